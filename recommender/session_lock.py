"""Advisory locks that outlast a transaction, each held on a connection of its own.

Django's connection reconnects by itself, and its session's locks would be gone without a word.
This connection never does: where it ends, the lock is lost, and `check` says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import connection

log = structlog.get_logger()

APPLICATION = "kinship lock"


class LockLostError(Exception):
    """The connection that held the lock has ended; somebody else may hold it now."""


class SessionLock:
    """A lock that is held until the block of `held` ends or its connection does."""

    def __init__(self, name: str, session: psycopg.Connection[Any]) -> None:
        self._name = name
        self._session = session

    def check(self) -> None:
        """Raise LockLostError where the lock is no longer held; costs a round trip."""
        try:
            self._session.execute("SELECT 1")
        except psycopg.OperationalError as exc:
            log.warning("lock lost", lock=self._name, error=str(exc).strip())
            raise LockLostError(
                f"The connection that held the lock of {self._name} ended, as at a restart of "
                "PostgreSQL. Another process may be at it, so this one stops. Start it again."
            ) from exc


@contextmanager
def held(name: str, key: int, wait: str = "") -> Iterator[SessionLock | None]:
    """Hold an advisory lock for the block; None where another session has it.

    Args:
        name: what the lock protects, for messages.
        key: of 64 bits, as pg_advisory_lock takes it.
        wait: how long to wait for the lock, as lock_timeout takes it; not at all by default.
    """
    parameters = connection.get_connection_params() | {"application_name": APPLICATION}
    with psycopg.connect(**parameters, autocommit=True) as session:
        if not _acquire(session, key, wait):
            yield None
            return
        try:
            yield SessionLock(name, session)
        finally:
            # Closing alone would free it a little later than this returns.
            _release(session, key)


def _acquire(session: psycopg.Connection[Any], key: int, wait: str) -> bool:
    if not wait:
        taken = session.execute("SELECT pg_try_advisory_lock(%s::bigint)", (key,)).fetchone()
        return taken is not None and bool(taken[0])
    session.execute("SELECT set_config('lock_timeout', %s, false)", (wait,))
    try:
        session.execute("SELECT pg_advisory_lock(%s::bigint)", (key,))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _release(session: psycopg.Connection[Any], key: int) -> None:
    try:
        session.execute("SELECT pg_advisory_unlock(%s::bigint)", (key,))
    except psycopg.OperationalError as exc:
        log.warning("lock was lost before its release", error=str(exc).strip())
