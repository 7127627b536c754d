"""The rate limiter alone: slots a second and the time that one takes, in many processes."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import django
import numpy as np

_PROCESSES = 8
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


def measure(rates: Mapping[str, float], seconds: float) -> dict[str, Slots]:
    """Reserve slots in eight processes, each waiting for its slot as a worker does.

    Args:
        rates: slots a second by the name of the limit, measured one after the other; where it is
            more than the store can give, the store's own limit is measured.
        seconds: length of each measurement, after the ramp.
    """
    context = multiprocessing.get_context("spawn")
    found = {}
    with context.Manager() as manager:
        start = manager.Barrier(_PROCESSES, timeout=_START_SECONDS)
        with ProcessPoolExecutor(_PROCESSES, context, django.setup) as pool:
            for key, rate in rates.items():
                arguments = (key, rate, seconds, start)
                running = [pool.submit(_reserve, *arguments) for _ in range(_PROCESSES)]
                found[key] = _summary([future.result() for future in running], seconds)
    return found


def _reserve(key: str, per_second: float, seconds: float, start: Barrier) -> list[float]:
    """The milliseconds of each reservation after the ramp."""
    # Only here: the settings must be there first.
    from embeddings.calls.rate_limit import Rate  # noqa: PLC0415
    from recommender.providers.limiter import SharedLimiter  # noqa: PLC0415

    limiter = SharedLimiter(key, Rate(requests=per_second))
    limiter.delay(1)
    start.wait()
    measured_from = time.monotonic() + _RAMP_SECONDS
    until = measured_from + seconds
    latencies = []
    while time.monotonic() < until:
        asked_at = time.monotonic()
        wait = limiter.delay(1)
        latency = 1000 * (time.monotonic() - asked_at)
        time.sleep(wait)
        if measured_from <= time.monotonic() < until:
            latencies.append(latency)
    return latencies


def _summary(taken: Sequence[list[float]], seconds: float) -> Slots:
    latencies = [latency for of_process in taken for latency in of_process]
    median, p99 = np.percentile(latencies, [50, 99])
    return Slots(len(latencies) / seconds, float(median), float(p99))
