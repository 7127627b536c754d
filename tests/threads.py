"""Running things at the same time, each on a database connection of its own."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

from django.db import connection, transaction

from recommender import database

T = TypeVar("T")

# Not pg_stat_activity: a transaction sees only what that was when it first looked.
_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Call `work` with 0, 1 … count − 1 in as many threads that start together; its results."""
    start = Barrier(count)

    def run(number: int) -> T:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do `work` in a thread of its own while the block goes on, and wait for its end."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(_closing, work)
        yield
        done.result(timeout=60)


def beside(work: Callable[[], T], holding: Callable[[], object]) -> T:
    """What `work` returns while `holding` was done in a transaction that is still open."""
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        holding()
        return pool.submit(_closing, work).result(timeout=10)


def overtaken(
    late: Callable[[], T],
    holding: Callable[[], object],
    meanwhile: Callable[[], object] = lambda: None,
) -> T:
    """Do `holding` in a transaction that is not committed until `late` waits for it.

    Args:
        meanwhile: called in the transaction, while `late` waits.

    Returns:
        What `late` returns, when it has gone on.
    """
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            holding()
            running = pool.submit(_closing, late)
            wait_until(lambda: running.done() or database.fetch(_WAITING)[0][0] > 0)
            assert not running.done(), f"it did not wait: {running.result()}"
            meanwhile()
        return running.result(timeout=30)


def wait_until(condition: Callable[[], bool], seconds: float = 30, *, every: float = 0.02) -> None:
    """Poll until the condition holds, every so many seconds; fails after `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(every)


def _closing(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connection.close()
