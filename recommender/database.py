"""Raw SQL on Django's own connection.

The read side answers thousands of times a second; here a statement is parsed and planned once
a connection, and rows come back as plain tuples. Being Django's connection, it shares its
transaction, and the queries show in `CaptureQueriesContext`.
"""

import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import ceil
from typing import Any, LiteralString
from weakref import WeakKeyDictionary

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg import sql
from psycopg.rows import BaseRowFactory, namedtuple_row, tuple_row

from recommender import spans, time_budget
from recommender.time_budget import TimeUpError

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
    return _fetch(query, parameters, tuple_row)


def fetch_named(query: Query, parameters: Parameters = ()) -> list[Any]:
    """The same, each row a named tuple: its columns are its attributes.

    For rows that are read by some of their columns. A row costs half a microsecond more.
    """
    return _fetch(query, parameters, namedtuple_row)


def _fetch(query: Query, parameters: Parameters, factory: BaseRowFactory[Any]) -> list[Any]:
    session = _session()
    with session.wrap_database_errors:
        try:
            return _run(session, query, parameters, factory)
        except psycopg.OperationalError:
            if session.in_atomic_block or not session.connection.closed:
                raise
            ef_search = _ef_search.get(session.connection)
            session.close()
            session.connect()
            if ef_search is not None:
                use_ef_search(ef_search)
            return _run(session, query, parameters, factory)


def execute(query: Query, parameters: Parameters = ()) -> int:
    """Run one statement that returns no rows; the number of rows it touched."""
    session = _session()
    started = time.monotonic()
    with (
        _told(session, query),
        session.wrap_database_errors,
        psycopg.Cursor(session.connection) as cursor,
    ):
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


def limit_statements(seconds: float) -> None:
    """Have the server stop each statement of this process, from its next connection on, after so
    long: who asked has mostly gone by then, and a thread and a core work for nobody.

    A statement that is stopped is an OperationalError; `is_stopped` tells it from others.
    """

    def limit(connection: BaseDatabaseWrapper, **_: object) -> None:
        milliseconds = str(round(seconds * 1000))
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, false)", (milliseconds,))

    connection_created.connect(limit, weak=False, dispatch_uid="limit_statements")


def lift_limit() -> None:
    """Let the statements of this transaction take as long as they take."""
    execute("SET LOCAL statement_timeout TO 0")


def is_stopped(error: BaseException) -> bool:
    """Whether the server stopped a statement because it took too long."""
    return isinstance(error.__cause__, psycopg.errors.QueryCanceled)


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


def copy_json(value: object) -> bytes:
    """A value as JSON, as COPY reads it: it has no control characters, and escapes backslashes."""
    return orjson.dumps(value).replace(b"\\", b"\\\\")


@contextmanager
def copy(statement: Query) -> Iterator[psycopg.Copy]:
    """A COPY … FROM STDIN or TO STDOUT on Django's connection."""
    session = _session()
    started = time.monotonic()
    with (
        _told(session, statement),
        session.wrap_database_errors,
        psycopg.Cursor(session.connection) as cursor,
    ):
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
    session: BaseDatabaseWrapper,
    query: Query,
    parameters: Parameters,
    factory: BaseRowFactory[Any],
) -> list[Any]:
    seconds = time_budget.left()
    started = time.monotonic()
    with (
        _told(session, query),
        nullcontext() if seconds is None else _stopped_after(session, seconds),
        psycopg.Cursor(session.connection, row_factory=factory) as cursor,
    ):
        cursor.execute(query, parameters, binary=True)
        rows = cursor.fetchall()
    _log(session, query, started)
    return rows


# What the limit was, and what it is from now on, in milliseconds.
_LIMIT = "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)"


@contextmanager
def _stopped_after(session: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Have the server stop the statement in this block after so long; in the same round trip.

    Raises:
        TimeUpError: it was stopped.
    """
    milliseconds = str(ceil(1000 * seconds))
    try:
        # Statements of one pipeline are one transaction, and so long the setting lasts.
        with session.connection.pipeline(), psycopg.Cursor(session.connection) as setting:
            setting.execute(_LIMIT, (milliseconds,))
            yield
            if session.in_atomic_block:
                before = setting.fetchone()
                setting.execute(_LIMIT, before[:1] if before else ("0",))
    except psycopg.errors.QueryCanceled as exc:
        raise TimeUpError from exc


def _told(session: BaseDatabaseWrapper, query: Query) -> AbstractContextManager[object]:
    """A statement's span, where its request or task has one."""
    return spans.told.statement(lambda: _text(session, query))


def _log(session: BaseDatabaseWrapper, query: Query, started: float) -> None:
    if session.queries_logged:
        took = f"{time.monotonic() - started:.3f}"
        session.queries_log.append({"sql": _text(session, query), "time": took})


def _text(session: BaseDatabaseWrapper, query: Query) -> str:
    text = query if isinstance(query, str | bytes) else query.as_string(session.connection)
    return text.decode() if isinstance(text, bytes) else text
