"""Raw SQL on Django's own connection, bound by the server and prepared when it comes again.

The read side answers thousands of times a second; here a statement is parsed and planned once
a connection, and rows come back as plain tuples. Being Django's connection, it shares its
transaction, and the queries show in `CaptureQueriesContext`.
"""

import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

Query = LiteralString | bytes | sql.SQL | sql.Composed
Parameters = Sequence[Any] | Mapping[str, Any]

# What each session was last told: saying it again would cost a round trip a request.
_ef_search: WeakKeyDictionary[psycopg.Connection[Any], int] = WeakKeyDictionary()


def fetch(query: Query, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """Run one statement and return all its rows.

    Outside a transaction, a connection that the server has closed (a restart, a failover) is
    opened again and the statement run once more.

    Raises:
        django.db.Error: as Django's own cursor would, for whatever PostgreSQL refuses.
    """
    session = _session()
    with session.wrap_database_errors:
        try:
            return _run(session, query, parameters)
        except psycopg.OperationalError:
            if session.in_atomic_block or not session.connection.closed:
                raise
            ef_search = _ef_search.get(session.connection)
            session.close()
            session.connect()
            if ef_search is not None:
                use_ef_search(ef_search)
            return _run(session, query, parameters)


def execute(query: Query, parameters: Parameters = ()) -> int:
    """Run one statement that returns no rows; the number of rows it touched."""
    session = _session()
    started = time.monotonic()
    with session.wrap_database_errors, psycopg.Cursor(session.connection) as cursor:
        cursor.execute(query, parameters)
        _log(session, query, started)
        return cursor.rowcount


def close_if_hung_up(**_: object) -> None:
    """Close a connection that the server has closed, so that the next statement opens another.

    At the start of a request: the ORM would else fail its first statement after a restart of the
    server. Asking the socket costs a microsecond, asking the server a round trip.
    """
    raw = connection.connection
    if raw is None or raw.closed or connection.in_atomic_block:
        return
    poll = select.poll()
    poll.register(raw.pgconn.socket, select.POLLIN)
    # An idle session hears nothing from its server but that it ends.
    if poll.poll(0):
        connection.close()


def use_ef_search(value: int) -> None:
    """Search HNSW indexes with this ef_search at least: for the transaction, or the session.

    A session that searches up to twice as wide is left so: mixed requests would else pay a
    round trip each.
    """
    session = _session()
    statement = "SELECT set_config('hnsw.ef_search', %s, %s)"
    if session.in_atomic_block:
        fetch(statement, (str(value), True))
    elif not value <= _ef_search.get(session.connection, 0) <= 2 * value:
        fetch(statement, (str(value), False))
        _ef_search[session.connection] = value


def array_text(numbers: Sequence[int]) -> str:
    """An array of numbers as PostgreSQL reads it: a tenth of what adapting a list costs."""
    return "{" + ",".join(map(str, numbers)) + "}"


@contextmanager
def copy(statement: Query) -> Iterator[psycopg.Copy]:
    """A COPY … FROM STDIN or TO STDOUT on Django's connection."""
    session = _session()
    started = time.monotonic()
    with session.wrap_database_errors, psycopg.Cursor(session.connection) as cursor:
        with cursor.copy(statement) as stream:
            yield stream
        _log(session, statement, started)


def _session() -> BaseDatabaseWrapper:
    """Django's connection, open.

    Found once a statement: the proxy `connection` finds it anew at each use, which costs more than
    a small result does.
    """
    session = connections[DEFAULT_DB_ALIAS]
    session.ensure_connection()
    return session


def _run(
    session: BaseDatabaseWrapper, query: Query, parameters: Parameters
) -> list[tuple[Any, ...]]:
    started = time.monotonic()
    with psycopg.Cursor(session.connection, row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute(query, parameters, binary=True)
        rows = cursor.fetchall()
    _log(session, query, started)
    return rows


def _log(session: BaseDatabaseWrapper, query: Query, started: float) -> None:
    if session.queries_logged:
        text = query if isinstance(query, str | bytes) else query.as_string(session.connection)
        text = text.decode() if isinstance(text, bytes) else text
        session.queries_log.append({"sql": text, "time": f"{time.monotonic() - started:.3f}"})
