"""Partitions by time, of events and of the recommendation log, made where a row has none yet."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from psycopg import sql

from recommender import database

_LOCK_MONTHS = 7_310_010
_EVENTS, _LOG = "recommender_event", "recommender_recommendation"
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


# Days of the log, from their partitions' names.
_LOGGED_DAYS = r"""
SELECT to_date(substring(c.relname FROM '_(\d{8})$'), 'YYYYMMDD')
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE i.inhparent = 'recommender_recommendation'::regclass ORDER BY 1
"""


def ensure_days(days: Iterable[date]) -> None:
    """Make the partitions that the recommendation log's answers of these days go to."""
    wanted = set(days)
    if wanted <= set(logged_days()):
        return
    with transaction.atomic():
        database.fetch("SELECT pg_advisory_xact_lock(%s)", (_LOCK_MONTHS,))
        for day in sorted(wanted - set(logged_days())):
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            _attach(_LOG, f"{day:%Y%m%d}", start, start + timedelta(days=1))


def logged_days() -> list[date]:
    """The days of which the recommendation log has a partition, the oldest first."""
    return [day for (day,) in database.fetch(_LOGGED_DAYS)]


def drop_logged(day: date) -> None:
    """Remove a day of the recommendation log at once."""
    table = sql.Identifier(f"{_LOG}_{day:%Y%m%d}")
    with transaction.atomic():
        # Whoever reads or writes the log is not made to wait behind this.
        database.execute("SET LOCAL lock_timeout = '500ms'")
        database.execute(sql.SQL("DROP TABLE {}").format(table))


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
    """Make a month's or a year's table of events."""
    year, _, number = period.partition("_")
    start = datetime(int(year), int(number or 1), 1, tzinfo=UTC)
    # A day of the month, or of the year, after it.
    after = start + timedelta(days=31 if number else 366)
    end = after.replace(day=1) if number else after.replace(month=1, day=1)
    _attach(_EVENTS, period, start, end)


def _attach(parent: str, period: str, start: datetime, end: datetime) -> None:
    """Make a table, then attach it: attaching lets reads and writes go on."""
    table, whole = sql.Identifier(f"{parent}_{period}"), sql.Identifier(parent)
    database.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(table, whole))
    database.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            whole, table, sql.Literal(start.isoformat()), sql.Literal(end.isoformat())
        )
    )
