"""Nearest products to query vectors, exactly or through the index: the engine's one vector search.

The vectors stay in PostgreSQL: a query vector is a seed product's or a profile's, joined in the
statement, or it comes as a parameter where a profile was built for the occasion.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.engine import selectivity
from recommender.engine.filters import Filter
from recommender.engine.ranking import Candidate
from recommender.spaces import partitions
from recommender.spaces.serving import ServingSpace

VISIBLE = sql.SQL("p.deleted_at IS NULL AND p.in_stock")


@dataclass(frozen=True, slots=True)
class Source:
    """The vectors to search from: a SELECT of (key int, weight float8, anchor bigint,
    embedding halfvec), the anchor being the product that a vector speaks for."""

    select: sql.Composable
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product near the query vector of this key."""

    key: int
    weight: float
    anchor: str | None
    product_id: int
    external_id: str
    similarity: float  # cosine, −1 to 1


# The index is walked outward from the query and every product met is checked, so a filter that
# most products pass costs little. strict_order goes on until there are enough.
_THROUGH_INDEX = sql.SQL("""
SELECT v.product_id, p.external_id,
       v.embedding::halfvec({dimension}) <=> q.embedding AS distance
FROM {vectors} v JOIN recommender_product p ON p.id = v.product_id
WHERE {condition} AND {keep}
ORDER BY v.embedding::halfvec({dimension}) <=> q.embedding LIMIT {limit}
""")

# "+ 0" keeps the planner off the vector index: it would take it here too, and find too few.
_EXACT = sql.SQL("""
SELECT e.product_id, found.external_id, e.distance FROM (
    SELECT v.product_id, (v.embedding::halfvec({dimension}) <=> q.embedding) + 0 AS distance
    FROM {vectors} v
    WHERE v.product_id = ANY (ARRAY(
            SELECT p.id FROM recommender_product p WHERE p.catalog_id = {catalog} AND {condition}))
      AND v.embedding IS NOT NULL AND {keep}
    ORDER BY distance LIMIT {limit}
) e JOIN recommender_product found ON found.id = e.product_id ORDER BY e.distance
""")

_NEAREST = sql.SQL("""
SELECT q.key, q.weight, a.external_id, n.product_id, n.external_id, 1 - n.distance
FROM ({source}) AS q(key, weight, anchor, embedding)
LEFT JOIN recommender_product a ON a.id = q.anchor
CROSS JOIN LATERAL ({search}) n
""")

_AVAILABLE = sql.SQL("""
SELECT p.external_id FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS own(id, place)
JOIN recommender_product p ON p.id = own.id
WHERE p.catalog_id = {catalog} AND {condition} ORDER BY own.place
""")


def nearest(
    space: ServingSpace,
    source: Source,
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
) -> list[Neighbour]:
    """The available products nearest to each query vector, nearest first.

    Every product that passes the filter can be found: where few pass, all of them are compared;
    where many pass, the index is used, and where it runs dry all are compared after all.
    """
    if _prefers_exact(space, filter):
        return _search(space, source, limit, filter, excluded, exact=True)
    database.use_ef_search(max(space.ef_search, min(limit, 1000)))
    found = _search(space, source, limit, filter, excluded, exact=False)
    if any(rows < limit for rows in Counter(n.key for n in found).values()):
        return _search(space, source, limit, filter, excluded, exact=True)
    return found


def available(
    catalog_id: int,
    product_ids: Sequence[int],
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> list[Candidate]:
    """Those of these products that may be recommended, in the order they came in."""
    condition = (
        VISIBLE if filter is None else sql.SQL("{} AND {}").format(VISIBLE, filter.condition)
    )
    query = _AVAILABLE.format(catalog=sql.Literal(catalog_id), condition=condition)
    parameters = {"ids": list(product_ids), **(filter.parameters if filter else {})}
    rows = database.fetch(query, parameters)
    return [Candidate(external_id, 0.0, external_id) for (external_id,) in rows]


def compose(
    space: ServingSpace,
    source: Source,
    *,
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
    exclude: bool,
    exact: bool,
) -> sql.Composed:
    """The statement of a search; `excluded` is a parameter of it where products are excluded."""
    condition: sql.Composable = VISIBLE
    if filter is not None:
        condition = sql.SQL("{} AND {}").format(VISIBLE, filter.condition)
    keep = sql.SQL("v.product_id NOT IN (SELECT unnest(%(excluded)s::bigint[]))")
    search = (_EXACT if exact else _THROUGH_INDEX).format(
        vectors=partitions.product_vectors(space.pk),
        dimension=sql.Literal(space.dimension),
        catalog=sql.Literal(space.catalog_id),
        condition=condition,
        keep=keep if exclude else sql.SQL("true"),
        limit=sql.Literal(limit),
    )
    return _NEAREST.format(source=source.select, search=search)


def _prefers_exact(space: ServingSpace, filter: Filter | None) -> bool:  # noqa: A002
    if space.indexed_rows == 0:
        return True
    return (
        filter is not None and selectivity.passing(space.catalog_id, filter) <= settings.EXACT_LIMIT
    )


def _search(
    space: ServingSpace,
    source: Source,
    limit: int,
    filter: Filter | None,  # noqa: A002
    excluded: Sequence[int],
    *,
    exact: bool,
) -> list[Neighbour]:
    statement = compose(
        space, source, limit=limit, filter=filter, exclude=bool(excluded), exact=exact
    )
    parameters = {
        **source.parameters,
        **(filter.parameters if filter else {}),
        **({"excluded": list(excluded)} if excluded else {}),
    }
    return [Neighbour(*row) for row in database.fetch(statement, parameters)]
