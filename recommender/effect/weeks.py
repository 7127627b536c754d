"""What lists brought week by week, by placement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from recommender import database
from recommender.models import Catalog

_WEEK = timedelta(days=7)
_BY_WEEK = """
SELECT date_trunc('week', f.day)::date, COALESCE(f.placement, f.operation), sum(f.clicks)::bigint,
       sum(f.revenue)
FROM recommender_effectfigure f
WHERE f.catalog_id = %(catalog)s AND f.day >= %(since)s AND f.day <= %(until)s
  AND f.operation <> '' AND f.hours <= %(hours)s
GROUP BY 1, 2
"""
_WITH_FIGURES = """
SELECT DISTINCT catalog_id FROM recommender_effectfigure
WHERE catalog_id = ANY(%s) AND day >= %s AND operation <> ''
"""


@dataclass(frozen=True, slots=True)
class Weeks:
    """By placement, the one first that brought most, clicks and revenue of each week."""

    starts: Sequence[date]  # Mondays
    clicks: Mapping[str, Sequence[int]]
    revenue: Mapping[str, Sequence[float]]


def read(catalog: Catalog, number: int, today: date) -> Weeks:
    """The last weeks, of which the last is not over yet."""
    monday = today - timedelta(days=today.weekday())
    starts = [monday - back * _WEEK for back in range(number - 1, -1, -1)]
    clicks: dict[str, list[int]] = {}
    revenue: dict[str, list[float]] = {}
    parameters = {
        "catalog": catalog.pk, "since": starts[0], "until": today, "hours": catalog.touch_hours,
    }  # fmt: skip
    for start, place, clicked, earned in database.fetch(_BY_WEEK, parameters):
        week = starts.index(start)
        clicks.setdefault(place, [0] * number)[week] = clicked
        revenue.setdefault(place, [0.0] * number)[week] = round(earned, 2)
    places = sorted(clicks, key=lambda place: (-sum(revenue[place]), -sum(clicks[place]), place))
    return Weeks(
        starts,
        {place: clicks[place] for place in places},
        {place: revenue[place] for place in places},
    )


def catalogs_with_figures(catalogs: Sequence[int], since: date) -> set[int]:
    """Those of these catalogs whose lists brought anything since a day."""
    return {key for (key,) in database.fetch(_WITH_FIGURES, (list(catalogs), since))}
