"""Lists for everybody: what is popular, trending, new, and what each is measured by."""

from collections.abc import Mapping
from dataclasses import replace

from psycopg import sql

from recommender.engine import backfill, trace
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.backfill import NEWEST, POPULAR, TRENDING, Listed
from recommender.models import Catalog
from recommender.ranking.ranker import reciprocal_rank

# By window of popularity, what a product counts by; of equal ones all of time decides.
WINDOWS = ("week", "month", "quarter", "all")
_COUNTED: Mapping[str, tuple[str, str]] = {
    "week": ("week_users", "users in the last 7 days"),
    "month": ("recent", "weight of events in the last 30 days, the heaviest of each user"),
    "quarter": ("quarter_users", "users in the last 90 days"),
    "all": ("total", "weight of all events, the heaviest of each user"),
}
_TRENDS = (
    "users in the last 7 days above those of a usual week of the last 90 days, in standard "
    "deviations"
)
_AGE = "time of release, else of coming in; the score is 1 / (60 + place)"
# See `history.exposure`.
_BY_LIST = "; whom only lists led to a product counts less, the more they show it"
_TIMELESS = "; times are made up here, so that every span is all of time"

# Rows of (id, score, key): what anybody had in the window, most first.
_POPULAR_IN = sql.SQL("""
SELECT p.external_id, s.{column}::float8, p.id FROM recommender_productpopularity s
JOIN recommender_product p ON p.id = s.product_id
WHERE s.catalog_id = %(catalog)s AND s.{column} > 0 AND {condition} AND {keep}
ORDER BY s.{column} DESC, s.total DESC, s.product_id LIMIT {limit}
""")


def chart(catalog: Catalog, name: str, window: str | None, query: Query) -> Answer:
    """POPULAR, TRENDING or NEWEST, best first; not filled up by others.

    Args:
        window: one of WINDOWS, that popularity is of; None for the last 30 days, then ever.
    """
    with trace.stage(name):
        listed = _listed(catalog, name, query, window)
        trace.note(found=len(listed))
    items = [Item(one.id, one.score, name, {name: one.score}) for one in listed]
    return backfill.complete(catalog, items, query, excluded=query.after.shown)


def _listed(catalog: Catalog, name: str, query: Query, window: str | None) -> list[Listed]:
    count, passing, shown = query.count, query.filter, query.after.shown
    if name == NEWEST:
        listed = backfill.newest(catalog, count, filter=passing, excluded=shown)
        return [replace(one, score=reciprocal_rank(n)) for n, one in enumerate(listed, start=1)]
    if name == TRENDING:
        return backfill.trending(catalog, count, filter=passing, excluded=shown)
    if window is None:
        return backfill.popular(catalog, count, filter=passing, excluded=shown)
    column = sql.Identifier(_COUNTED[window][0])
    parameters: dict[str, object] = {"catalog": catalog.pk}
    return backfill.run(_POPULAR_IN, parameters, count, passing, shown, column=column)


def measured_by(catalog: Catalog, name: str, window: str | None) -> str:
    """What the scores of a chart say, in words."""
    if name == NEWEST:
        return _AGE
    text = _TRENDS if name == TRENDING else _COUNTED[window or "month"][1]
    if name == POPULAR and window is None:
        text += ", then ever"
    text += _BY_LIST
    return text + _TIMELESS if catalog.has_made_up_times else text
