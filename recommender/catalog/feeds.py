"""The life of a feed: due by its schedule or asked for, taken up by one process, done or failed.

The time at which it is next due is data: a lost message, a dead worker and a host that is down for
a while heal by the sweep.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.dispatch import Signal
from django.utils import timezone
from psycopg import sql

from recommender import database, locks
from recommender.locks import SessionLock, session_lock
from recommender.models import Feed, Webhook
from recommender.webhooks import outbox

# A host that does not answer, or a worker that died, is tried again so soon; each time, the pause
# is twice as long.
RETRY_AFTER = timedelta(minutes=5)
MOST_ATTEMPTS = 4
DIED = "Its worker died or was stopped before it had finished."

_LOCK = 7_310_038

# Sent with `feed_id` when a feed is to be fetched now; maybe inside a transaction.
feed_requested = Signal()

# Whoever fetches holds the lock from before the row says so until after.
_DEAD = sql.SQL("SELECT f.id FROM recommender_feed f WHERE f.status = 'running' AND NOT {}").format(
    locks.is_locked("id", "f")
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A feed that is this process's to fetch, as long as `check` does not raise."""

    feed: Feed
    check: Callable[[], None]


def request(feed: Feed, *, force: bool = False) -> None:
    """Have workers fetch a feed now, or once more where one is at it.

    Args:
        force: take off sale what it lacks however many products these are.
    """
    wanted: dict[str, Any] = {"next_at": timezone.now(), "attempts": 0}
    if force:
        wanted["is_forced"] = True
    Feed.objects.filter(pk=feed.pk).update(**wanted)
    feed_requested.send(Feed, feed_id=feed.pk)


def plan(feed: Feed) -> None:
    """Set when a feed is next due, after its schedule was made or changed; a new one may be now."""
    now, next_at = timezone.now(), None
    if feed.is_enabled and feed.every_hours:
        last = feed.started_at
        next_at = max(now, last + timedelta(hours=feed.every_hours)) if last else now
    elif feed.is_enabled:
        next_at = next_time(feed, now)
    Feed.objects.filter(pk=feed.pk).update(next_at=next_at, attempts=0)
    if next_at is not None and next_at <= now:
        feed_requested.send(Feed, feed_id=feed.pk)


def next_time(feed: Feed, after: datetime) -> datetime | None:
    """When the schedule has it fetched next; None where it is not enabled."""
    if not feed.is_enabled:
        return None
    if feed.every_hours:
        return after + timedelta(hours=feed.every_hours)
    if feed.daily_at is None:
        return None
    today = datetime.combine(after.astimezone(UTC).date(), feed.daily_at, UTC)
    return today if today > after else today + timedelta(days=1)


def due() -> list[int]:
    """The feeds that are to be fetched now; those whose process died are found first."""
    fail_dead()
    return list(Feed.objects.filter(next_at__lte=timezone.now()).values_list("pk", flat=True))


def fail_dead() -> None:
    """Have the feeds whose process died say so, and be fetched once more."""
    for (feed_id,) in database.fetch(_DEAD, {"lock": _LOCK}):
        # Whoever has taken it up since holds the lock.
        with _locked(feed_id) as lock:
            feed = _running(feed_id).first() if lock else None
            if feed is not None:
                fail(feed, DIED, may_pass=True)


@contextmanager
def claimed(feed_id: int) -> Iterator[Claim | None]:
    """Take up a feed that is due; whoever fetches it does so within the block.

    The advisory lock that keeps others away is held by a connection of its own: the server frees
    it when the process dies. What the block raises is written to the feed, and raised on.

    Yields:
        The claim of the feed, which is running now; None where it is not due or somebody is at it.
    """
    with _locked(feed_id) as lock:
        feed = _take(feed_id) if lock else None
        if lock is None or feed is None:
            yield None
            return
        try:
            yield Claim(feed, lock.check)
        finally:
            if error := sys.exception():
                fail(feed, f"{type(error).__name__}: {error}".removesuffix(": "))


def succeed(feed: Feed, status: str, report: str, **result: Any) -> None:
    """Keep what came of a feed, by the names of its fields."""
    _end(feed, None, status=status, report=report, error="", **result)


def fail(
    feed: Feed, error: str, report: str = "", *, may_pass: bool = False, **result: Any
) -> None:
    """Say what went wrong with a feed.

    Args:
        may_pass: try it again soon, a few times.
    """
    again = None
    if may_pass and feed.attempts < MOST_ATTEMPTS:
        again = timezone.now() + RETRY_AFTER * 2 ** (feed.attempts - 1)
        error = f"{error} It is tried again at {again:%H:%M} UTC."
    _end(feed, again, status=Feed.Status.FAILED, report=report, error=error, **result)


def _end(feed: Feed, again: datetime | None, **result: Any) -> None:
    """Write the result and when it is due next, unless somebody has asked for it meanwhile."""
    now = timezone.now()
    # Its schedule may have been changed while it ran.
    latest = Feed.objects.filter(pk=feed.pk).first() or feed
    usual = next_time(latest, feed.started_at or now)
    times = [at for at in (again, usual) if at is not None]
    if again is None:
        result["attempts"] = 0
    elif feed.is_forced:
        result["is_forced"] = True
    with transaction.atomic():
        # Who has lost the lock may meet one that another process has taken up since.
        ended = (
            _running(feed.pk)
            .filter(started_at=feed.started_at)
            .update(
                next_at=Coalesce(F("next_at"), min(times, default=None)), finished_at=now, **result
            )
        )
        if ended and again is None and result["status"] == Feed.Status.FAILED:
            _tell_failed(feed, result["error"])


def _tell_failed(feed: Feed, error: str) -> None:
    told = {"address": feed.shown_url, "error": error, "attempts": feed.attempts}
    outbox.tell(feed.catalog_id, Webhook.Kind.FEED, told)


def _running(feed_id: int) -> "QuerySet[Feed]":
    return Feed.objects.filter(pk=feed_id, status=Feed.Status.RUNNING)


def _locked(feed_id: int) -> AbstractContextManager[SessionLock | None]:
    return session_lock(f"feed {feed_id}", _LOCK << 32 | feed_id)


def _take(feed_id: int) -> Feed | None:
    """The feed, running from now on; None where it is not due. The lock is held."""
    now = timezone.now()
    with transaction.atomic():
        feeds = Feed.objects.select_for_update(of=("self",)).select_related("catalog")
        feed = feeds.filter(pk=feed_id, next_at__lte=now).first()
        if feed is None:
            return None
        Feed.objects.filter(pk=feed_id).update(
            status=Feed.Status.RUNNING,
            started_at=now,
            next_at=None,
            is_forced=False,
            attempts=F("attempts") + 1,
        )
    feed.attempts, feed.started_at = feed.attempts + 1, now
    return feed
