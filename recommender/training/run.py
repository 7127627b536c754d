"""One training from beginning to end.

A training chooses settings of the learners, and makes behaviour spaces, popularity, item
neighbours, a blend for similar products, and rankers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import structlog
from lightgbm.basic import LightGBMError

from recommender.behaviour.interactions import Interactions, made_up_times
from recommender.effect import logged_answers
from recommender.effect.logged_answers import LoggedAnswers
from recommender.history import popularity
from recommender.models import Catalog, Mode, ProductNeighbor, Space, TrainingRun
from recommender.ranking.ranker import FusionRanker
from recommender.retrieval import tallies
from recommender.snapshot import reading, snapshot
from recommender.snapshot.snapshot import Snapshot
from recommender.training import (
    baskets,
    behaviour,
    fitting,
    forgetting,
    learner_settings,
    model_selection,
    related,
    runs,
    splits,
    storage,
    training_examples,
)
from recommender.training.behaviour import snapshot_as_of
from recommender.training.fitting import DONE, SKIPPED, Outcome, Progress
from recommender.training.learner_settings import Chosen
from recommender.training.model_selection import Selection
from recommender.training.splits import Plan, Split
from recommender.training.training_examples import SplitExamples


@dataclass
class Past:
    """A catalog as of past times, with what its history had taught by then.

    The last of them is kept, as several steps go back to it and learning takes the longest.
    """

    now: Snapshot
    chosen: Chosen | None = None  # the settings of its learners; None where they were not asked for
    _known: Interactions | None = None
    _then: Snapshot | None = None

    def as_of(self, split: Split, progress: Progress) -> Snapshot:
        """The catalog as of a split, with behaviour spaces and neighbours of what was known."""
        if self._then is None or self._known is not split.known:
            progress(f"going back to {datetime.fromtimestamp(split.clock, UTC):%Y-%m-%d}")
            self._then = fitting.fit(snapshot_as_of(self.now, split), progress)
            self._known = split.known
        return self._then

    @cached_property
    def plan(self) -> Plan:
        """How the history is cut."""
        return splits.plan(self.now.interactions)


def train_ranker(catalog: Catalog, past: Past, progress: Progress) -> Outcome:
    """Learn a ranker for each mode and have the selected one serve."""
    shortage = fitting.shortage(past.now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    plan = past.plan
    selections = learn_ranker(past, plan, Mode.values, progress, _logged(catalog, plan))
    until = datetime.fromtimestamp(past.now.clock, UTC)
    for mode, selection in selections.items():
        storage.store_ranker(catalog, mode, selection, until)
    texts = [f"{mode}: {storage.told(selection)}" for mode, selection in selections.items()]
    return Outcome(
        outcome=DONE,
        text=f"Learnt by {plan.scheme}: {plan.reason} {' '.join(texts)}",
        figures={mode: storage.run_figures(selection) for mode, selection in selections.items()},
    )


def _logged(catalog: Catalog, plan: Plan) -> LoggedAnswers | None:
    """What was answered after the split that models are selected by."""
    if plan.held_out is None:
        return None
    return logged_answers.read(catalog, datetime.fromtimestamp(plan.held_out.clock, UTC))


def learn_ranker(
    past: Past,
    plan: Plan,
    modes: Sequence[str],
    progress: Progress,
    logged: LoggedAnswers | None = None,
) -> dict[str, Selection]:
    """The selected ranker for each mode, learnt from nothing but the past's history.

    Args:
        logged: what was answered since; see `model_selection.select`.
    """
    if not plan.splits:
        nothing = Selection(ranker=FusionRanker(), figures={}, users=0, reason=plan.reason)
        return dict.fromkeys(modes, nothing)
    examples = _ranker_examples(past, plan, modes, progress)
    return {
        mode: model_selection.select(mode_examples, progress, logged)
        for mode, mode_examples in examples.items()
    }


def _ranker_examples(
    past: Past, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Sequence[SplitExamples]]:
    """Each split's examples, by mode; what several splits know is learnt once."""
    by_mode: dict[str, list[SplitExamples]] = {mode: [] for mode in modes}
    for number, split in enumerate(plan.splits, start=1):
        then = past.as_of(split, progress)
        for mode, examples in by_mode.items():
            text = f"replaying split {number} of {len(plan.splits)}, {mode}"
            progress(text)
            examples.append(training_examples.of_split(then, split, mode, progress, text))
    return dict(by_mode)


log = structlog.get_logger()

_NO_ORDER = "No user has events of more than one time, so nothing is learnt of what follows what."

# What libraries of numbers raise where a history is too odd for them.
_UNLEARNABLE = (ArithmeticError, ValueError, IndexError, LightGBMError)


def train(
    catalog: Catalog,
    run: TrainingRun,
    progress: Progress,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Train all there is to train; every step's outcome and reason is in the run's row.

    With too little history a step is skipped and says so, as where it cannot be learnt from; the
    others go on. The row is saved after each step.

    Args:
        check: called at each report of progress and before the row is saved; what it raises
            stops the training before it writes more.
    """
    progress = _reporting(run, check, progress)
    progress("reading history")
    to_forget = forgetting.begin(catalog)
    now = present(catalog)
    catalog.has_made_up_times = now.has_made_up_times
    catalog.save(update_fields=["has_made_up_times"])
    run.trained_until = popularity.clock(catalog)
    past = Past(now)
    steps: dict[str, Callable[[], Outcome]] = {
        learner_settings.NAME: lambda: _settings(catalog, past, progress),
        "behaviour spaces": lambda: _spaces(catalog, past, progress, anew=to_forget.is_needed),
        "popularity": lambda: _popularity(catalog),
        "co-occurrence": lambda: _neighbours(catalog, past.now, progress),
        "similar products": lambda: train_similar(catalog, past, progress),
        "ranker": lambda: train_ranker(catalog, past, progress),
    }
    for name, step in steps.items():
        progress(name)
        record(run, name, step, check)
    check()
    forgetting.finish(to_forget, {one["name"] for one in run.steps if one["outcome"] == DONE})
    runs.complete(run)


def present(catalog: Catalog, before: datetime | None = None) -> Snapshot:
    """A catalog as it stands, or stood before a time, with the spaces that its content makes."""
    until = before or popularity.clock(catalog)
    read = reading.read(catalog, until)
    clock = snapshot.seconds(until)
    return snapshot.as_of(
        read,
        clock=clock,
        half_life_days=catalog.half_life_days,
        has_made_up_times=bool(made_up_times(read.interactions.before(clock).positive())),
        spaces=snapshot.stored(read.products, content_spaces(catalog)),
    )


def content_spaces(catalog: Catalog) -> list[Space]:
    """The spaces of a catalog that serve and whose vectors come from content."""
    dense = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    dense = dense.exclude(output=Space.Output.SPARSE).exclude(kind=Space.Kind.BEHAVIOUR)
    return list(dense.order_by("name"))


def _reporting(run: TrainingRun, check: Callable[[], None], progress: Progress) -> Progress:
    """Progress that is written to the run, too: whoever waits for it may be another process."""

    def report(text: str, done: int = 0, total: int = 0, /) -> None:
        check()
        run.progress = {"text": text, "done": done, "total": total}
        TrainingRun.objects.filter(pk=run.pk).update(progress=run.progress)
        progress(text, done, total)

    return report


def record(
    run: TrainingRun, name: str, step: Callable[[], Outcome], check: Callable[[], None]
) -> None:
    """Carry out one step and write to the run what came of it, be it that nothing could be learnt.

    Args:
        check: called before the row is saved; what it raises is raised on.
    """
    started = time.monotonic()
    try:
        outcome = step()
    except _UNLEARNABLE as exc:
        log.warning("not trained", catalog=run.catalog_id, step=name, exc_info=True)
        text = (
            f"This history cannot be learnt from ({type(exc).__name__}: {exc}); what served before "
            "goes on serving. Please report it with the worker's log."
        )
        outcome = Outcome(outcome=SKIPPED, text=text)
    check()
    seconds = round(time.monotonic() - started, 1)
    log.info("trained", catalog=run.catalog_id, step=name, outcome=outcome.outcome, seconds=seconds)
    run.steps.append(
        {
            "name": name,
            "outcome": outcome.outcome,
            "text": outcome.text,
            "seconds": seconds,
            "figures": dict(outcome.figures),
        }
    )
    run.save()


def _settings(catalog: Catalog, past: Past, progress: Progress) -> Outcome:
    past.chosen = learner_settings.choose(catalog, past.now, past.plan, progress)
    past.now = past.chosen.snapshot
    return past.chosen.outcome


def _spaces(catalog: Catalog, past: Past, progress: Progress, *, anew: bool) -> Outcome:
    chosen = past.chosen  # None where this history was too odd to choose by
    is_new = chosen is not None and chosen.is_new
    outcome = behaviour.train(catalog, past.now, progress, has_new_settings=is_new, anew=anew)
    if chosen is not None:
        learner_settings.remember(catalog, chosen)
    return outcome


def _popularity(catalog: Catalog) -> Outcome:
    tallies.refresh(catalog)
    ever = " over all of time, for times are made up" if catalog.has_made_up_times else ""
    return Outcome(outcome=DONE, text=f"Counted anew{ever}.")


def _neighbours(catalog: Catalog, now: Snapshot, progress: Progress) -> Outcome:
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    found = baskets.read(catalog, now)
    neighbours = {**fitting.fit_neighbours(now, progress), **baskets.fit(found)}
    progress("storing neighbours")
    rows = storage.store_neighbours(catalog, now.products, neighbours)
    no_order = "" if ProductNeighbor.Kind.NEXT in neighbours else f" {_NO_ORDER}"
    return Outcome(
        outcome=DONE,
        text=f"Neighbours of products, {rows:,} lists; {found.shape[0]:,} baskets.{no_order}",
        figures={"lists": rows, "baskets": found.shape[0]},
    )


def train_similar(catalog: Catalog, past: Past, progress: Progress) -> Outcome:
    """Choose how similar products are blended, by the moments of the held-out split."""
    shortage = fitting.shortage(past.now)
    held_out = past.plan.held_out
    if shortage is not None or held_out is None:
        return Outcome(outcome=SKIPPED, text=shortage or past.plan.reason)
    then = past.as_of(held_out, progress)
    ahead = related.moments(past.now.interactions, then, held_out)
    return related.train(catalog, then, ahead, progress)
