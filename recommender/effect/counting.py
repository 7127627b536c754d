"""When what came of lists is counted: the last days again and again, older ones where they changed.

A day is counted as a whole from the events and the log, in the place of what was counted before: so
late events change its figures, and repeats change nothing. Days of which the log has forgotten
answers stay as they were counted last.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from recommender import database
from recommender.effect.attribution_sql import COUNT, SPAN_DAYS
from recommender.models import Catalog, LateDay, Recommendation

_LOCK = 7_310_060
# Whoever took events in left no word of days as near as these; clocks may be ahead.
_BACK, _AHEAD = 2, 1
_DAY = timedelta(days=1)


def due() -> list[int]:
    """The catalogs that list lately, or got late events."""
    since = datetime.now(UTC) - (SPAN_DAYS + _BACK) * _DAY
    return [key for (key,) in database.fetch(_DUE, {"since": since})]


_DUE = """
SELECT c.id FROM recommender_catalog c
WHERE EXISTS (SELECT FROM recommender_recommendation r
              WHERE r.catalog_id = c.id AND r.at >= %(since)s)
   OR EXISTS (SELECT FROM recommender_lateday l WHERE l.catalog_id = c.id)
ORDER BY c.id
"""


def recount(catalog: Catalog, now: datetime | None = None) -> list[date]:
    """Count the last days and those that changed.

    Returns:
        The days that were counted.
    """
    today = (now or datetime.now(UTC)).astimezone(UTC).date()
    # Before anything is counted: what comes after this leaves its own word.
    late = dict(LateDay.objects.filter(catalog=catalog).values_list("pk", "day"))
    days = sorted(_changed(catalog, today, set(late.values())))
    for day in days:
        count_day(catalog, day)
    LateDay.objects.filter(pk__in=late).delete()
    return days


def _changed(catalog: Catalog, today: date, late: set[date]) -> Iterator[date]:
    first = _first_logged(catalog)
    if first is None:
        return
    oldest = max(first, today - catalog.log_days * _DAY)
    recent = {today + back * _DAY for back in range(-_BACK, _AHEAD + 1)}
    # What happens on a day may be owed to a click, or repeat one, of some days before.
    following = {day + after * _DAY for day in late for after in range(SPAN_DAYS + 1)}
    yield from (day for day in recent | following if oldest <= day <= today + _AHEAD * _DAY)


def _first_logged(catalog: Catalog) -> date | None:
    logged = Recommendation.objects.filter(catalog=catalog).order_by("at")
    first = logged.values_list("at", flat=True).first()
    return None if first is None else first.astimezone(UTC).date()


def count_day(catalog: Catalog, day: date) -> None:
    """Count what came of lists on a day (UTC), in the place of what was counted before."""
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    parameters = {
        "catalog": catalog.pk,
        "day": day,
        "since": since,
        "until": since + _DAY,
        "span": SPAN_DAYS * _DAY,
        "touch": timedelta(hours=catalog.touch_hours),
        "by_answer": catalog.impressions_by == Catalog.Impressions.ANSWER,
        "exclude_bots": catalog.exclude_bots,
    }
    with transaction.atomic():
        database.fetch("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, catalog.pk))
        database.execute(
            "DELETE FROM recommender_effectfigure WHERE catalog_id = %s AND day = %s",
            (catalog.pk, day),
        )
        database.execute(COUNT, parameters)
