"""Partitions of events by time, made where an event goes that has none."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from django.db import transaction
from psycopg import sql

from recommender import database

_LOCK_MONTHS = 7_310_010
# Not to_regclass: it may remember from before the lock that a table was not there.
_MISSING = """
SELECT m FROM unnest(%s::text[]) AS m WHERE NOT EXISTS (
    SELECT FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE i.inhparent = 'recommender_event'::regclass
      AND c.relname IN ('recommender_event_' || m, 'recommender_event_' || left(m, 4)))
"""
_YEARS_OF_MONTHS = r"""
SELECT DISTINCT substring(c.relname FROM '^recommender_event_(\d{4})_')
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE i.inhparent = 'recommender_event'::regclass
"""


def ensure_months(times: Iterable[datetime]) -> None:
    """Make the partitions that events of these times go to, where they are missing.

    Every statement that reads events plans all partitions: the months of this year and of the one
    before have their own, and each older year has one, unless it has months from then.
    """
    months = {time.astimezone(UTC).strftime("%Y_%m") for time in times}
    if not database.fetch(_MISSING, (sorted(months),)):
        return
    with transaction.atomic():
        database.fetch("SELECT pg_advisory_xact_lock(%s)", (_LOCK_MONTHS,))
        missing = {month for (month,) in database.fetch(_MISSING, (sorted(months),))}
        in_months = {year for (year,) in database.fetch(_YEARS_OF_MONTHS)}
        for period in sorted({_period(month, in_months) for month in missing}):
            _create(period)


def _period(month: str, in_months: Collection[str]) -> str:
    """The month or the year whose partition a month's events go to."""
    year = month[:4]
    is_old = int(year) < datetime.now(UTC).year - 1
    return year if is_old and year not in in_months else month


def _create(period: str) -> None:
    """Make a month's or a year's table, then attach it: attaching lets reads and writes go on."""
    year, _, number = period.partition("_")
    start = datetime(int(year), int(number or 1), 1, tzinfo=UTC)
    # A day of the month, or of the year, after it.
    after = start + timedelta(days=31 if number else 366)
    end = after.replace(day=1) if number else after.replace(month=1, day=1)
    table = sql.Identifier(f"recommender_event_{period}")
    database.execute(
        sql.SQL("CREATE TABLE {} (LIKE recommender_event INCLUDING ALL)").format(table)
    )
    database.execute(
        sql.SQL(
            "ALTER TABLE recommender_event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
        ).format(table, sql.Literal(start.isoformat()), sql.Literal(end.isoformat()))
    )
