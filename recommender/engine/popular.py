"""The channel of what is popular, and behind it what is new: the lists that need no history."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from recommender import database
from recommender.engine.filters import Filter
from recommender.engine.passing import VISIBLE
from recommender.engine.ranking import Candidate
from recommender.history import popularity
from recommender.models import Catalog

POPULAR, NEWEST = "popular", "newest"

_STANDING = sql.SQL("""
SELECT p.external_id, s.recent FROM recommender_productpopularity s
JOIN recommender_product p ON p.id = s.product_id
WHERE s.catalog_id = %(catalog)s AND {condition} AND {keep}
ORDER BY s.catalog_id, s.recent DESC, s.total DESC, s.product_id LIMIT {limit}
""")

_PAST = sql.SQL("""
SELECT p.external_id, COALESCE(s.recent, 0) AS recent FROM ({votes}) s
JOIN recommender_product p ON p.id = s.product_id
WHERE {condition} AND {keep}
ORDER BY recent DESC, s.total DESC, s.product_id LIMIT {limit}
""")

_NEWEST = sql.SQL("""
SELECT p.external_id, 0::float8 FROM recommender_product p
WHERE p.catalog_id = %(catalog)s AND {condition} AND {keep}
ORDER BY COALESCE(p.released_at, p.created_at) DESC, p.id DESC LIMIT {limit}
""")


def popular(
    catalog: Catalog,
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
    before: datetime | None = None,
) -> list[Candidate]:
    """Available products by what the last 30 days, then all time, thought of them.

    Now from the table that a periodic task keeps; for a time in the past, counted from events.
    """
    if before is None:
        return _run(_STANDING, {"catalog": catalog.pk}, limit, filter, excluded)
    past = popularity.window(catalog, before)
    return _run(_PAST, past, limit, filter, excluded)


def newest(
    catalog: Catalog,
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
) -> list[Candidate]:
    """Available products, the latest first."""
    return _run(_NEWEST, {"catalog": catalog.pk}, limit, filter, excluded)


def _run(
    query: sql.SQL,
    parameters: dict[str, object],
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
    excluded: Sequence[int],
) -> list[Candidate]:
    condition: sql.Composable = VISIBLE
    if filter is not None:
        condition = sql.SQL("{} AND {}").format(VISIBLE, filter.condition)
        parameters = {**parameters, **filter.parameters}
    keep = sql.SQL("true")
    if excluded:
        keep = sql.SQL("p.id NOT IN (SELECT unnest(%(excluded)s::bigint[]))")
        parameters = {**parameters, "excluded": database.array_text(excluded)}
    statement = query.format(
        condition=condition, keep=keep, limit=sql.Literal(limit), votes=popularity.VOTES
    )
    return [Candidate(product, score) for product, score in database.fetch(statement, parameters)]
