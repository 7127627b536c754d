"""One run: the sets of a folder, each prepared, measured and written down."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from benchmarks.console import Say
from benchmarks.quality import cross_check, estimate, formats, page, product, results, tuning
from benchmarks.quality.dataset import Dataset, PrepareError
from benchmarks.quality.formats import Found
from benchmarks.quality.measuring import measure
from benchmarks.quality.methods import METHODS, Method
from benchmarks.quality.options import Options
from benchmarks.quality.product import ProductError
from benchmarks.quality.published import PUBLIC_SETS
from benchmarks.quality.results import PRODUCT, Results, Row, SetResult, Training, row_of
from recommender.insight.baselines import BaselineError


@dataclass(slots=True)
class Run:
    """What a run has come to.

    Attributes:
        problems: what went wrong, for people; other sets and methods went on.
    """

    options: Options
    console: Console
    say: Say
    problems: list[str] = field(default_factory=list)

    def all(self) -> None:
        """Measure every set that is asked for; the page is written after each method.

        Raises:
            PrepareError: the folder is none, or does not have a set that was asked for.
        """
        kept = results.load(self.options.figures)
        if self.options.folder is None:
            self._write(kept)
            return
        there = formats.found(self.options.folder)
        for name in missing(there):
            self._tell(f"{name} is not there: it needs {PUBLIC_SETS[name]}.")
        for one in chosen(there, self.options):
            self.say(f"{one.name}: reading")
            try:
                self._set(one.prepare(), kept)
            except PrepareError as exc:
                self._fail(str(exc))

    def _set(self, dataset: Dataset, kept: Results) -> None:
        if self.options.dry_run:
            self._plan(dataset)
            return
        found = kept.of(dataset)
        for _ in self._steps(dataset, found):
            self._write(kept)

    def _write(self, kept: Results) -> None:
        results.save(kept, self.options.figures)
        # Of what was saved: it is rounded, and the page is to be the same when it is made again.
        text = page.render(results.load(self.options.figures))
        self.options.page.write_text(text, encoding="utf-8")

    def _steps(self, dataset: Dataset, found: SetResult) -> Iterator[None]:
        """Measure, one method a step."""
        if PRODUCT in self.options.methods:
            self._product(dataset, found)
            yield
        wanted = [one for one in applicable(dataset) if one.name in self.options.methods]
        for method in wanted:
            found.rows[method.name] = self._baseline(method, dataset)
            self._told(dataset, method.name, found.rows[method.name])
            yield
        if self.options.cross_check:
            found.checks = list(cross_check.checked(dataset, self.say))
            for sentence in found.checks:
                self._tell(f"{dataset.name}: {sentence}")
            yield

    def _product(self, dataset: Dataset, found: SetResult) -> None:
        keep = self.options.keep and self.options.keep.resolve() / dataset.name
        try:
            listed = product.run(dataset, self.say, keep)
        except ProductError as exc:
            self._fail(f"{dataset.name}: {exc}")
            return
        found.training = Training(
            seconds=listed.training.seconds,
            processor_seconds=listed.training.processor_seconds,
            peak_bytes=listed.training.peak_bytes,
            all_seconds=sum(listed.seconds.values()),
        )
        cost = listed.training.processor_seconds
        measured = measure(listed.lists, dataset)
        found.rows[PRODUCT] = row_of(measured, settings="defaults", processor_seconds=cost)
        self._told(dataset, PRODUCT, found.rows[PRODUCT])

    def _baseline(self, method: Method, dataset: Dataset) -> Row:
        try:
            best = tuning.tuned(method, dataset, self.say)
        except BaselineError as exc:
            return Row(note=str(exc))
        return row_of(
            best.measured,
            settings=tuning.described(best.settings),
            processor_seconds=best.processor_seconds,
            tuning_seconds=best.tuning_seconds,
        )

    def _plan(self, dataset: Dataset) -> None:
        names = [PRODUCT, *(method.name for method in applicable(dataset))]
        minutes = {
            name: estimate.seconds(dataset, name) / 60
            for name in names
            if name in self.options.methods
        }
        users, products = dataset.shape
        self._tell(
            f"{dataset.name}: {users:,} users × {products:,} products, {len(dataset.known):,} "
            f"events; about {sum(minutes.values()):.0f} minutes: "
            + ", ".join(f"{name} {cost:.1f}" for name, cost in minutes.items())
        )

    def _told(self, dataset: Dataset, name: str, row: Row) -> None:
        if not row.figures:
            self._tell(f"{dataset.name}: {name} is left out. {row.note}")
            return
        figures = "  ".join(f"{metric} {of[0]:.4f}" for metric, of in row.figures.items())
        self._tell(f"{dataset.name}: {name:16} {figures}  {row.settings}")

    def _tell(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _fail(self, text: str) -> None:
        self.problems.append(text)
        self.console.print(f"[red]{escape(text)}[/red]", highlight=False, soft_wrap=True)


def chosen(there: list[Found], options: Options) -> list[Found]:
    """The sets of a folder that are asked for.

    Raises:
        PrepareError: it has none, or not one that was asked for.
    """
    if not there:
        known = "; ".join(one.files for one in formats.FORMATS)
        raise PrepareError(f"{options.folder} has no set. A set is recognised by {known}.")
    names = [one.name for one in there]
    for name in options.only:
        if name not in names:
            raise PrepareError(f"{options.folder} has no set {name!r}. It has {', '.join(names)}.")
    return [one for one in there if not options.only or one.name in options.only]


def missing(there: list[Found]) -> list[str]:
    """The public sets that are not among these."""
    names = {one.name for one in there}
    return [name for name in PUBLIC_SETS if name not in names]


def applicable(dataset: Dataset) -> list[Method]:
    """The baselines that make sense of a set."""
    return [method for method in METHODS if method.needs(dataset)]
