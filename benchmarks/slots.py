"""The rate limiter alone: slots a second and the time that one takes, in many processes."""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import django
import numpy as np

_PROCESSES = 8
_SECONDS = 10.0
# The limit rises from a quarter to all of the rate within this time.
_RAMP_SECONDS = 3.0
# Each process starts Django before it waits for the others.
_START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Slots:
    """What the processes got together: `latencies` in milliseconds, each of one reservation."""

    per_second: float
    median: float
    p99: float


def measure(key: str, per_second: float) -> Slots:
    """Reserve slots of one limit in eight processes, each waiting for its slot as a worker does.

    Args:
        per_second: the rate; where it is more than the store can give, the store's own limit is
            measured.
    """
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        start = manager.Barrier(_PROCESSES, timeout=_START_SECONDS)
        arguments = zip(*[(key, per_second, start)] * _PROCESSES, strict=True)
        with ProcessPoolExecutor(_PROCESSES, context, django.setup) as pool:
            taken = list(pool.map(_reserve, *arguments))
    return _summary([latency for latencies in taken for latency in latencies])


def _reserve(key: str, per_second: float, start: Barrier) -> list[float]:
    """The milliseconds of each reservation after the ramp."""
    # Only here: the settings must be there first.
    from embeddings.calls.rate_limit import Rate  # noqa: PLC0415
    from recommender.providers.limiter import SharedLimiter  # noqa: PLC0415

    limiter = SharedLimiter(key, Rate(requests=per_second))
    limiter.delay(1)
    start.wait()
    measured_from = time.monotonic() + _RAMP_SECONDS
    until = measured_from + _SECONDS
    latencies = []
    while time.monotonic() < until:
        asked_at = time.monotonic()
        wait = limiter.delay(1)
        latency = 1000 * (time.monotonic() - asked_at)
        time.sleep(wait)
        if measured_from <= time.monotonic() < until:
            latencies.append(latency)
    return latencies


def _summary(latencies: Sequence[float]) -> Slots:
    median, p99 = np.percentile(latencies, [50, 99])
    return Slots(len(latencies) / _SECONDS, float(median), float(p99))
