"""How often a key may be used: exact across processes, counted where the broker is.

A key without limits costs nothing. Where the counters cannot be reached requests go on, and the log
and a metric say so: a shop without recommendations is worse off than one that is asked too often.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import structlog
from cachetools import TTLCache
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
)
from prometheus_client import Counter

from recommender.api.problems import Problem
from recommender.client_address import client_address
from recommender.models import ApiKey

log = structlog.get_logger()

# What a request's environment calls the limit that it is nearest to.
_NEAREST = "kinship.limit"
_SECONDS = 0.5
# Counters that did not answer are left alone for so long: each request would wait for them anew.
_AWAY_SECONDS = 5.0

_uncounted = Counter("kinship_uncounted_requests", "Requests whose limits could not be counted.")


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a key may be used; None for as often as anybody likes."""

    key: int
    minute: int | None
    address_minute: int | None
    day: int | None

    @classmethod
    def of(cls, key: ApiKey) -> "Limits | None":
        """Those of a key; None where it has none."""
        limits = cls(key.pk, key.requests_per_minute, key.address_per_minute, key.requests_per_day)
        return limits if any((limits.minute, limits.address_minute, limits.day)) else None

    def named(self, request: HttpRequest) -> Iterator[tuple[RateLimitItem, Sequence[str]]]:
        """Each limit, and what it counts by."""
        key = str(self.key)
        if self.minute:
            yield RateLimitItemPerMinute(self.minute), (key,)
        if self.address_minute:
            item = RateLimitItemPerMinute(self.address_minute)
            yield item, (key, client_address(request))
        if self.day:
            yield RateLimitItemPerDay(self.day), (key,)


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of a limit, and in how many seconds there is more."""

    most: int
    left: int
    seconds: int
    text: str


def check(request: HttpRequest, limits: Limits) -> None:
    """Count a request.

    Raises:
        Problem: 429 where it is one too many; it is not counted then by what refuses it.
    """
    with _lock:
        is_away = "away" in _away
    if is_away:
        _uncounted.inc()
        return
    try:
        _check(request, limits)
    except StorageError as exc:
        with _lock:
            _away["away"] = True
        _uncounted.inc()
        log.warning("limits cannot be counted", error=str(exc.storage_error).strip())


def _check(request: HttpRequest, limits: Limits) -> None:
    nearest: Window | None = None
    for item, identifiers in limits.named(request):
        limiter = _limiter(item)
        is_allowed = limiter.hit(item, *identifiers)
        window = _window(limiter, item, identifiers)
        if not is_allowed:
            request.META[_NEAREST] = window
            detail = f"This key may be used {window.text}. Ask again in {window.seconds} s."
            raise Problem(429, "too-many-requests", detail, retry_after=window.seconds)
        if nearest is None or window.left < nearest.left:
            nearest = window
    request.META[_NEAREST] = nearest


def tell(request: HttpRequest, response: HttpResponse) -> None:
    """Say in an answer's headers what is left, where its request was counted."""
    window: Window | None = request.META.get(_NEAREST)
    if window is None:
        return
    response["RateLimit-Limit"] = str(window.most)
    response["RateLimit-Remaining"] = str(window.left)
    response["RateLimit-Reset"] = str(window.seconds)


def _window(limiter: RateLimiter, item: RateLimitItem, identifiers: Sequence[str]) -> Window:
    stats = limiter.get_window_stats(item, *identifiers)
    seconds = max(1, math.ceil(stats.reset_time - time.time()))
    by = " from one address" if len(identifiers) > 1 else ""
    text = f"{item.amount:,} times a {item.GRANULARITY.name}{by}"
    return Window(item.amount, max(0, stats.remaining), seconds, text)


def _limiter(item: RateLimitItem) -> RateLimiter:
    """A minute moves, so that no two windows meet; of a day only the number is kept."""
    moving, fixed = _limiters()
    return fixed if item.GRANULARITY.name == "day" else moving


@lru_cache(maxsize=1)
def _limiters() -> tuple[MovingWindowRateLimiter, FixedWindowRateLimiter]:
    """Counters at a Valkey or Redis broker; with another, each process counts for itself."""
    url = settings.LIMITS_URL
    options = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
    given = {} if url.startswith("memory") else options
    storage = storage_from_string(url, wrap_exceptions=True, **given)
    assert isinstance(storage, Storage)  # noqa: S101 - not an asynchronous one
    return strategies(storage)


def strategies(storage: Storage) -> tuple[MovingWindowRateLimiter, FixedWindowRateLimiter]:
    """How minutes are counted, and how days are."""
    return MovingWindowRateLimiter(storage), FixedWindowRateLimiter(storage)


_lock = Lock()
# Until when counters that did not answer are left alone.
_away: TTLCache[str, bool] = TTLCache(1, _AWAY_SECONDS)


def forget() -> None:
    """Reach the counters anew, at what the settings say now."""
    _limiters.cache_clear()
    with _lock:
        _away.clear()
