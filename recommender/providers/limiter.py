"""The rate limit of each hosted model, shared by all workers of all processes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from django.conf import settings
from redis import Redis, RedisError

from embeddings.calls.rate_limit import LONGEST_WAIT, UNLIMITED, Limiter, Rate
from embeddings.providers.known_models import COMPATIBLE_SUFFIX
from embeddings.spec import ModelSpec
from recommender.providers import models, postgres_pace, valkey_pace

log = structlog.get_logger()

T = TypeVar("T")

# A Valkey that does not answer is left alone for so many seconds: no call waits for it.
_PAUSE_SECONDS = 5.0


def limiter(spec: ModelSpec) -> Limiter:
    """The limiter of a model: one for all who use it with the same account.

    Use it outside transactions; see `postgres_pace`.
    """
    rate = Rate.of(spec)
    if rate is None or not spec.is_hosted:
        return UNLIMITED
    # A model has one limit, whichever of its provider's protocols it is asked in.
    model = spec.key.removesuffix(COMPATIBLE_SUFFIX)
    return SharedLimiter(f"{models.account(spec.key) or spec.provider}:{model}", rate)


@dataclass(frozen=True, slots=True)
class SharedLimiter:
    """Implements `embeddings.calls.rate_limit.Limiter` on a pace that is shared under a key.

    In the broker's Valkey or Redis; while that does not answer, and where there is none, in
    PostgreSQL.
    """

    key: str
    rate: Rate

    def delay(self, tokens: int, longest: float = LONGEST_WAIT) -> float:
        """Implements `Limiter.delay`."""
        return _shared(
            lambda server: valkey_pace.reserve(server, self.key, self.rate, tokens, longest),
            lambda: postgres_pace.reserve(self.key, self.rate, tokens, longest),
        )

    def throttled(self, retry_after: float | None) -> None:
        """Implements `Limiter.throttled`."""
        _shared(
            lambda server: valkey_pace.hold(server, self.key, retry_after),
            lambda: postgres_pace.hold(self.key, retry_after),
        )


@dataclass(slots=True)
class _Outage:
    """Of the Valkey, as this process knows it."""

    is_on: bool = False
    until: float = 0.0


_outage = _Outage()


def _shared(in_valkey: Callable[["Redis"], T], in_postgres: Callable[[], T]) -> T:
    server = valkey_pace.client(settings.CELERY_BROKER_URL)
    if server is None or time.monotonic() < _outage.until:
        return in_postgres()
    try:
        done = in_valkey(server)
    except RedisError as exc:
        _begin_outage(exc)
        return in_postgres()
    _end_outage()
    return done


def _begin_outage(error: RedisError) -> None:
    _outage.until = time.monotonic() + _PAUSE_SECONDS
    if not _outage.is_on:
        log.warning("rate limits go through PostgreSQL: no Valkey", error=str(error))
    _outage.is_on = True


def _end_outage() -> None:
    if _outage.is_on:
        log.info("rate limits go through Valkey again")
    _outage.is_on, _outage.until = False, 0.0
