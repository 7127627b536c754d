"""Advisory locks, on connections of their own: whoever dies lets go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from django.db import connection
from psycopg import sql

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


_IS_LOCKED = sql.SQL("""EXISTS (
    SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.classid = %(lock)s::oid AND l.objid = {}::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")


def is_locked(column: str, table: str) -> sql.Composed:
    """SQL of whether some session holds the lock `lock << 32 | column` of a row.

    The server frees the locks of a process that died. `lock` is a parameter of the statement.
    """
    return _IS_LOCKED.format(sql.Identifier(table, column))


@contextmanager
def session_lock(name: str, key: int, wait: str = "") -> Iterator[SessionLock | None]:
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
