"""What is measured, phase by phase."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import load, processes
from benchmarks.console import Say
from benchmarks.load import Answer
from benchmarks.soak import bystanders
from benchmarks.soak.mix import Mix
from recommender.stack.config import StackConfig

# By so many connections, each of which waits for its answer, the limit is measured.
_CLIENTS = 8
_ROUNDS = 3
_CONNECTIONS = 1_500
_NEAR, _OVER, _BESIDE = 0.8, 2.0, 0.5
_PERIODS = 12
# An answer that takes longer than so many seconds, and than so many times what 99 of 100 take
# without an overload, is still of it.
_SLOW, _SLOWER = 1.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of the requests of a while; times are in milliseconds.

    Attributes:
        memory: by part of the service, in MB, at the end; empty where it was not looked at.
    """

    name: str
    seconds: float
    asked: float
    good: int
    refused: int
    failed: int
    p50: float
    p99: float
    refused_p99: float | None = None
    refused_without_when: int = 0
    memory: dict[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one run.

    Attributes:
        limit: requests a second.
        periods: of the load near the limit.
        recovery: seconds from the last request of the overload until no answer was slow, refused
            or failed.
    """

    limit: float
    periods: list[Row]
    overload: Row
    recovery: float
    beside: list[Row]


def measure(mix: Mix, config: StackConfig, seconds: float, short: float, say: Say) -> Measured:
    """All phases.

    Args:
        seconds: of the load near the limit.
        short: of each round and of each other phase.
    """
    requests = mix.requests(seed=1)
    say("the limit")
    limit = _limit(mix, requests, short)
    period = seconds / _PERIODS
    periods = []
    for number in range(1, _PERIODS + 1):
        say(f"{limit * _NEAR:.0f} requests/s, {number} of {_PERIODS}")
        answers = _paced(mix, requests, limit * _NEAR, period)
        name = f"to minute {number * period / 60:.4g}"
        periods.append(row(name, period, answers, processes.memory(config)))
    say(f"{limit * _OVER:.0f} requests/s")
    flood = _paced(mix, requests, limit * _OVER, short)
    after = _paced(mix, requests, limit * _BESIDE, short)
    beside = _beside(mix, requests, limit, short, say)
    return Measured(
        limit=limit,
        periods=periods,
        overload=row("2 × the limit", short, flood),
        recovery=_ended(flood) - short + _recovery(after, max(beside[0].p99, beside[-1].p99)),
        beside=beside,
    )


def _limit(mix: Mix, requests: Iterator[bytes], seconds: float) -> float:
    """Requests a second: the median of rounds, after one that warms up."""
    rounds = [
        load.run(mix.url, requests, connections=_CLIENTS, seconds=seconds).per_second
        for _ in range(_ROUNDS + 1)
    ]
    return float(np.median(rounds[1:]))


def _paced(mix: Mix, requests: Iterator[bytes], rate: float, seconds: float) -> list[Answer]:
    return load.paced(mix.url, requests, per_second=rate, seconds=seconds, connections=_CONNECTIONS)


def _beside(
    mix: Mix, requests: Iterator[bytes], limit: float, seconds: float, say: Say
) -> list[Row]:
    """Half the limit alone, then beside each kind of bad client, then alone again."""
    kinds = {
        "half the limit": bystanders.nobody,
        "beside 8 slow clients": bystanders.slow_clients,
        "beside 1,000 idle connections": bystanders.idle_connections,
        "beside a body of 20 MB in drips": bystanders.dripping_body,
        "half the limit again": bystanders.nobody,
    }
    rows = []
    for name, kind in kinds.items():
        say(name)
        with kind(mix, seconds):
            rows.append(row(name, seconds, _paced(mix, requests, limit * _BESIDE, seconds)))
    return rows


def _ended(answers: Sequence[Answer]) -> float:
    """When the last answer was there, in seconds since the first request."""
    return max(answer.due + answer.latency for answer in answers)


def _recovery(answers: Sequence[Answer], usual: float) -> float:
    """When the last bad answer was there, in seconds since the first request.

    Args:
        usual: milliseconds that 99 of 100 answers take without an overload.
    """
    slow = max(_SLOW, _SLOWER * usual / 1000)
    bad = [a.due + a.latency for a in answers if not a.is_good or a.latency > slow]
    return max(bad, default=0.0)


def row(
    name: str, seconds: float, answers: Sequence[Answer], memory: dict[str, float] | None = None
) -> Row:
    """What became of these requests."""
    good = [a.latency * 1000 for a in answers if a.is_good]
    refused = [a for a in answers if a.is_refusal]
    p50, p99 = np.percentile(good, [50, 99]) if good else (np.nan, np.nan)
    slowest = np.percentile([a.latency * 1000 for a in refused], 99) if refused else None
    return Row(
        name=name,
        seconds=seconds,
        asked=len(answers) / seconds,
        good=len(good),
        refused=len(refused),
        failed=len(answers) - len(good) - len(refused),
        p50=float(p50),
        p99=float(p99),
        refused_p99=None if slowest is None else float(slowest),
        refused_without_when=sum(not a.says_when for a in refused),
        memory=memory or {},
    )
