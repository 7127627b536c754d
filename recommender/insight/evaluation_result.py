"""What an evaluation found, of all methods side by side, and its JSON document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recommender.ranking.metrics import Interval

Kind = Literal["channel", "ranker", "baseline"]

# The names of the metrics, as in the JSON document; the first decides which method is best.
METRICS = (
    "ndcg",
    "recall",
    "mrr",
    "hit_rate",
    "coverage",
    "novelty",
    "diversity",
    "popularity_bias",
)


# Labels of the segments that are cold: users of one to three products, products without history.
FEW, UNTOUCHED = "1-3", "untouched"


@dataclass(frozen=True, slots=True)
class Segment:
    """The metrics among some of the users, or (recall only) some of the products."""

    label: str  # such as "4-9" or "<30"
    users: int  # who count here
    metrics: Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """One method's row of the table.

    metrics: by the names of METRICS; None where there is no value. Empty where the method could not
        be run: then the note says why.
    by_history: NDCG and recall by how many distinct products the users had had; in order, empty
        segments left out.
    by_age: recall of the wanted products of an age in days at the cut-off; likewise.
    seconds: what fitting and listing took; None where nobody measured.
    """

    name: str
    kind: Kind
    metrics: Mapping[str, Interval | None]
    by_history: tuple[Segment, ...] = ()
    by_age: tuple[Segment, ...] = ()
    seconds: float | None = None
    note: str = ""

    @property
    def ndcg(self) -> float:
        """What methods are sorted by; below all where it was not measured."""
        interval = self.metrics.get("ndcg")
        return -1.0 if interval is None else interval.mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation of one catalog.

    mode: "new" (what users had is neither listed nor wanted) or "all".
    split: how history was cut, in words, such as "last" or the moment.
    cut_off: the moment; None where each user has their own.
    users: who were tested.
    products: what could be listed.
    command: what makes these numbers again.
    """

    catalog: str
    mode: Literal["new", "all"]
    k: int
    split: str
    cut_off: datetime | None
    users: int
    products: int
    methods: tuple[MethodResult, ...]
    made_at: datetime
    command: str
    notes: tuple[str, ...] = ()

    @property
    def ranked(self) -> tuple[MethodResult, ...]:
        """The methods, best NDCG first."""
        return tuple(sorted(self.methods, key=lambda method: -method.ndcg))

    @property
    def ranker(self) -> MethodResult | None:
        """The best rank that was learnt."""
        return next((method for method in self.ranked if method.kind == "ranker"), None)

    @property
    def simple(self) -> MethodResult | None:
        """The best method that is none."""
        return next((method for method in self.ranked if method.kind != "ranker"), None)

    @property
    def verdict(self) -> str:
        """In one sentence, how the rank does beside the best method that is not one."""
        ranker, simple = self.ranker, self.simple
        ours = ranker.metrics.get("ndcg") if ranker is not None else None
        theirs = simple.metrics.get("ndcg") if simple is not None else None
        if ranker is None or simple is None or ours is None or theirs is None:
            return "There is no simple method to compare the rank with."
        return (
            f"{ranker.name} is {_compared(ours, theirs)} the best simple method (NDCG@{self.k} "
            f"{_short(ours.mean)} against {_short(theirs.mean)}), which is {simple.name}."
        )


def _compared(ours: Interval, theirs: Interval) -> str:
    """By how much better or worse; nothing can be said where each mean may be the other's."""
    if ours.low <= theirs.mean <= ours.high and theirs.low <= ours.mean <= theirs.high:
        return "neither clearly better nor worse than"
    if not theirs.mean:
        return "better than"
    change = ours.mean / theirs.mean - 1
    return f"{abs(change):.0%}".replace("%", " %") + (
        " better than" if change > 0 else " worse than"
    )


def _short(mean: float) -> str:
    return f"{mean:.3f}".removeprefix("0")


def as_document(evaluation: Evaluation) -> dict[str, object]:
    """What `json.dumps` takes; the names of its members stay as they are. Best method first."""
    cut_off = evaluation.cut_off
    return {
        "catalog": evaluation.catalog,
        "mode": evaluation.mode,
        "k": evaluation.k,
        "split": evaluation.split,
        "cut_off": None if cut_off is None else cut_off.isoformat(),
        "users": evaluation.users,
        "products": evaluation.products,
        "made_at": evaluation.made_at.isoformat(),
        "command": evaluation.command,
        "notes": list(evaluation.notes),
        "methods": [_method(method) for method in evaluation.ranked],
    }


def _method(method: MethodResult) -> dict[str, object]:
    return {
        "name": method.name,
        "kind": method.kind,
        "metrics": {name: _interval(method.metrics.get(name)) for name in METRICS},
        "by_history": [_segment(segment) for segment in method.by_history],
        "by_age": [_segment(segment) for segment in method.by_age],
        "seconds": method.seconds,
        "note": method.note,
    }


def _segment(segment: Segment) -> dict[str, object]:
    intervals = {name: _interval(interval) for name, interval in segment.metrics.items()}
    return {"segment": segment.label, "users": segment.users, **intervals}


def _interval(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
