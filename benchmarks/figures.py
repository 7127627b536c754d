"""What was measured, and the targets it is held against."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.load import Sample
from benchmarks.truth import Recall

SIMILAR = "similar"
SAME_SQL = "similar, same SQL through pgbench"
BARE_SQL = "bare SQL through pgbench"
RECOMMENDATIONS = "recommendations"
ALONE = "recommendations, one client"
SEARCH, SUGGEST = "search, two words", "suggestions"
RULED = "recommendations, filter, boosts, diversity, caps and explained"

_RATIO = 0.40
_RECOMMENDATIONS_PER_SECOND = 250
# Milliseconds at most, by the share of answers that are no slower.
_MILLISECONDS = {ALONE: (50, 12.0), SEARCH: (50, 15.0), SUGGEST: (50, 10.0), RULED: (99, 40.0)}
_FILTERED_PER_SECOND = {5: 400, 1: 250}  # by per cent of products passing
_RECALL = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """The median round of one kind of request; latencies in milliseconds.

    Attributes:
        processor: time of all cores that an answer took of web and PostgreSQL, milliseconds; tells
            two versions apart on a machine that others use, too.
        passing: per cent of the products that pass the filter; None where there is none.
    """

    name: str
    per_second: float
    p50: float
    p99: float
    processor: float | None = None
    recall: float | None = None
    fewest: int | None = None
    full: float | None = None
    passing: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A figure to reach, and what was reached; `at_most` where less is better."""

    name: str
    wanted: float
    measured: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether it was."""
        if self.at_most:
            return self.measured <= self.wanted
        return self.measured >= self.wanted


def median(rounds: Sequence[Sample]) -> Sample:
    """The round with the median number of answers a second."""
    ordered = sorted(rounds, key=lambda sample: sample.per_second)
    return ordered[len(ordered) // 2]


def figure(
    name: str, rounds: Sequence[Sample], recall: Recall | None = None, passing: int | None = None
) -> Figure:
    """The figure of these rounds."""
    sample = median(rounds)
    p50, p99 = np.percentile(sample.latencies, [50, 99]) * 1000
    return Figure(
        name=name,
        per_second=sample.per_second,
        p50=float(p50),
        p99=float(p99),
        processor=_processor(rounds),
        recall=recall.share if recall else None,
        fewest=recall.fewest if recall else None,
        full=recall.full if recall else None,
        passing=passing,
    )


def _processor(rounds: Sequence[Sample]) -> float | None:
    """Milliseconds an answer, of the median round by that."""
    known = [
        sample.processor * 1000 / len(sample.latencies)
        for sample in rounds
        if sample.processor is not None
    ]
    return sorted(known)[len(known) // 2] if known else None


def targets(figures: Sequence[Figure]) -> list[Target]:
    """The targets that these figures can be held against."""
    by_name = {measurement.name: measurement for measurement in figures}
    applicable = []
    if SIMILAR in by_name and SAME_SQL in by_name:
        ratio = by_name[SIMILAR].per_second / by_name[SAME_SQL].per_second
        applicable.append(Target("similar, as a share of pgbench", _RATIO, ratio))
    if RECOMMENDATIONS in by_name:
        rate = by_name[RECOMMENDATIONS].per_second
        applicable.append(Target("recommendations/s", _RECOMMENDATIONS_PER_SECOND, rate))
    for name, (share, wanted) in _MILLISECONDS.items():
        if name in by_name:
            measured = by_name[name].p50 if share == 50 else by_name[name].p99
            applicable.append(Target(f"{name}, p{share} ms", wanted, measured, at_most=True))
    for passing, wanted in _FILTERED_PER_SECOND.items():
        filtered = [measurement for measurement in figures if measurement.passing == passing]
        if filtered:
            slowest = min(measurement.per_second for measurement in filtered)
            name = f"requests/s where {passing} % pass, slowest filter"
            applicable.append(Target(name, wanted, slowest))
    if recalls := [measurement.recall for measurement in figures if measurement.recall is not None]:
        applicable.append(Target("recall@20, worst", _RECALL, min(recalls)))
    if full := [measurement.full for measurement in figures if measurement.full is not None]:
        applicable.append(Target("share of answers that are full, worst", 1.0, min(full)))
    return applicable
