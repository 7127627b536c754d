"""Events per day, counted for all catalogues in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from recommender import database

DAYS = 30

# The last days that the catalogue's own clock knows; today is the last of them.
_DAILY = """
SELECT c.id, c.until::date, e.day, e.number FROM (
    SELECT id, COALESCE(
        CASE clock WHEN 'last_event' THEN (
            SELECT max(at) FROM recommender_event WHERE catalog_id = recommender_catalog.id
        ) END, now()) AT TIME ZONE 'UTC' AS until
    FROM recommender_catalog WHERE id = ANY(%(catalogs)s)
) c LEFT JOIN LATERAL (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) AS number FROM recommender_event
    WHERE catalog_id = c.id AND at >= (c.until::date - %(days)s + 1)::timestamp AT TIME ZONE 'UTC'
      AND at < (c.until::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
) e ON true
"""


@dataclass(frozen=True, slots=True)
class Activity:
    """Events of each of the last DAYS days, the oldest first."""

    last_day: date
    daily: tuple[int, ...]

    @property
    def total(self) -> int:
        """Events of all these days."""
        return sum(self.daily)


def of_catalogs(catalog_ids: Sequence[int]) -> dict[int, Activity]:
    """What happened lately in each of these catalogues."""
    last: dict[int, date] = {}
    found: dict[int, dict[date, int]] = {}
    parameters = {"catalogs": list(catalog_ids), "days": DAYS}
    for catalog, until, day, number in database.fetch(_DAILY, parameters):
        last[catalog] = until
        found.setdefault(catalog, {})[day] = number
    return {
        catalog: Activity(
            until,
            tuple(
                found[catalog].get(until - timedelta(days=back), 0)
                for back in range(DAYS - 1, -1, -1)
            ),
        )
        for catalog, until in last.items()
    }
