"""Lists: how full they are, what did not run, what their stages take and their sources give."""

import random

from prometheus_client import Counter, Histogram, Summary

from recommender.engine.answer import Answer
from recommender.engine.trace import Recorder

# Of so many lists one has its stages recorded, which takes some hundredths of a millisecond.
_SAMPLE = 16
_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)

_lists = Counter(
    "kinship_lists", "Lists answered, by whether they were as long as asked.", ("operation", "is")
)
_degraded = Counter(
    "kinship_degraded_lists",
    "Lists of which a part did not run, by part and reason.",
    ("operation", "part", "reason"),
)
_stages = Histogram(
    "kinship_stage_seconds",
    f"Seconds of a stage of a list, of one list in {_SAMPLE}.",
    ("operation", "stage"),
    buckets=_BUCKETS,
)
_candidates = Summary(
    "kinship_candidates",
    f"Products that a source proposed for a list, of one list in {_SAMPLE}.",
    ("operation", "source"),
)


def is_sampled() -> bool:
    """Whether the list that comes has its stages recorded."""
    return random.randrange(_SAMPLE) == 0  # noqa: S311 - of lists, not of secrets


def count(operation: str, answer: Answer, asked: int, recorder: Recorder | None) -> None:
    """Count a list.

    Args:
        asked: how many products were asked for.
        recorder: of its stages, where they were recorded.
    """
    listed = len(answer.items)
    state = "empty" if listed == 0 else "short" if listed < asked else "full"
    _lists.labels(operation, state).inc()
    for part, reason in answer.degraded.items():
        _degraded.labels(operation, part, reason).inc()
    if recorder is not None:
        _count_stages(operation, recorder)


def _count_stages(operation: str, recorder: Recorder) -> None:
    for stage in recorder.stages:
        _stages.labels(operation, stage.name).observe(stage.milliseconds / 1000)
        if stage.name == "sources":
            for source, number in stage.notes.items():
                if isinstance(number, int):
                    _candidates.labels(operation, source).observe(number)
