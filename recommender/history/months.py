"""The monthly partitions of the event table."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from psycopg import sql

from recommender import database

_LOCK_MONTHS = 7_310_010
# Not to_regclass: it may remember from before the lock that a table was not there.
_MISSING = """
SELECT m FROM unnest(%s::text[]) AS m WHERE NOT EXISTS (
    SELECT FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relname = 'recommender_event_' || m AND i.inhparent = 'recommender_event'::regclass)
"""


def ensure(times: Iterable[datetime]) -> None:
    """Make the partitions that events of these times go to, where they are missing."""
    months = {time.astimezone(UTC).strftime("%Y_%m") for time in times}
    if not database.fetch(_MISSING, (sorted(months),)):
        return
    with transaction.atomic():
        database.fetch("SELECT pg_advisory_xact_lock(%s)", (_LOCK_MONTHS,))
        for (month,) in database.fetch(_MISSING, (sorted(months),)):
            _create(month)


def _create(month: str) -> None:
    """Make one month's table, then attach it: attaching lets reads and writes go on."""
    year, number = map(int, month.split("_"))
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    table = sql.Identifier(f"recommender_event_{month}")
    database.execute(
        sql.SQL("CREATE TABLE {} (LIKE recommender_event INCLUDING ALL)").format(table)
    )
    database.execute(
        sql.SQL(
            "ALTER TABLE recommender_event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
        ).format(table, sql.Literal(start.isoformat()), sql.Literal(end.isoformat()))
    )
