"""Strong locks on tables that serve: asked for in short tries, as others queue behind who waits."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import OperationalError, transaction

from recommender import database
from recommender.spaces.errors import SpaceError

T = TypeVar("T")

# Below PostgreSQL's deadlock_timeout of a second: of two in a deadlock this one gives way, and
# no answer or worker is made to fail.
_SHORT = "SET LOCAL lock_timeout = '500ms'"
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 30.0


def retry_on_lock_timeout(work: Callable[[], T], timeout: float = _TIMEOUT_SECONDS) -> T:
    """What `work` returns, in a transaction that waits half a second at most for any lock.

    If a lock is not free, the transaction is rolled back, which lets those behind it in the queue
    pass, and tried again.

    Raises:
        SpaceError: the tables were in use all the time.
    """
    until = time.monotonic() + timeout
    while True:
        try:
            with transaction.atomic():
                database.execute(_SHORT)
                done = work()
                database.execute("SET LOCAL lock_timeout TO DEFAULT")
                return done
        except OperationalError as exc:
            if not isinstance(exc.__cause__, psycopg.errors.LockNotAvailable):
                raise
            if time.monotonic() >= until:
                raise SpaceError(
                    "The space's tables are in use: a long transaction holds them, such as a "
                    "backup or the building of an index. Try again when it has ended."
                ) from exc
        time.sleep(_PAUSE_SECONDS)
