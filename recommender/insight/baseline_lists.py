"""The published methods on a past moment, measured like all others."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recommender.engine.snapshot import Snapshot
from recommender.insight import baselines, measurement
from recommender.insight.baselines import BaselineError
from recommender.insight.evaluation_result import MethodResult
from recommender.insight.measurement import TestSet
from recommender.insight.top_lists import Eligible, Scorer, fusion, top_lists
from recommender.models import Mode
from recommender.training import fitting

Fit = Callable[[], Scorer]


def measured(
    then: Snapshot,
    users: NDArray[np.int64],
    test: TestSet,
    *,
    mode: str,
    progress: Callable[[str], None],
) -> list[MethodResult]:
    """Each baseline fitted to the snapshot's history; one that cannot be fitted says why."""
    binary = then.interactions.positive().binary()
    seen = binary if mode == Mode.NEW else None
    eligible = Eligible(listable=test.listable, seen=seen)
    results = []
    for name, fit in _fits(then, eligible, mode).items():
        progress(f"baseline {name}")
        started = time.monotonic()
        try:
            lists = top_lists(fit(), users, test.k, eligible)
        except BaselineError as exc:
            results.append(MethodResult(name=name, kind="baseline", metrics={}, note=str(exc)))
            continue
        seconds = time.monotonic() - started
        results.append(measurement.measure(name, "baseline", lists, test, seconds=seconds))
    return results


def _fits(then: Snapshot, eligible: Eligible, mode: str) -> dict[str, Fit]:
    binary = then.interactions.positive().binary()
    aged = then.interactions.decayed(then.half_life_days, then.clock)
    month = then.popularity["month"].astype(np.float64)
    content = fitting.content_space(then)
    fits: dict[str, Fit] = {
        "popular, all time": lambda: baselines.popular(then.popularity["all"].astype(np.float64)),
        "popular, 30 days": lambda: baselines.popular(month),
        "item-kNN": lambda: baselines.item_knn(binary),
        "EASE": lambda: baselines.ease(binary),
        "ALS (implicit)": lambda: baselines.als(binary),
        "BPR (implicit)": lambda: baselines.bpr(binary),
    }
    voices: list[Fit] = [fits["EASE"]]
    if content is not None:
        vectors = content.vectors
        fits["mean profile"] = lambda: baselines.mean_profile(aged, vectors)
        if mode == Mode.NEW:
            voices.append(fits["mean profile"])
    if mode == Mode.NEW:
        voices.append(fits["popular, 30 days"])
    else:
        fits["repeat"] = lambda: baselines.repeat(aged)
        voices.append(fits["repeat"])
    fits["fusion"] = lambda: fusion([voice() for voice in voices], eligible)
    return fits
