"""A product to search from, and the space of texts that serves: what is most like the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

from recommender import database
from recommender.history import aliases
from recommender.retrieval import vector_search
from recommender.retrieval.filters import Filter
from recommender.retrieval.vector_search import Neighbour, QueryVectors
from recommender.spaces import partitions, switching
from recommender.spaces.switching import ServingSpace

# The seed and the space that serves in one round trip; no row where the seed is unknown.
_SEED = sql.SQL("""
SELECT p.id, p.external_id, p.category, p.title, {columns}
FROM recommender_product p LEFT JOIN recommender_space s
    ON s.catalog_id = p.catalog_id AND s.name = 'text' AND s.status = 'active'
WHERE p.id = ({key})
""").format(
    columns=sql.SQL(switching.SERVING_COLUMNS),
    key=aliases.KEY.format(catalog=sql.SQL("%(catalog)s"), name=sql.SQL("%(product)s")),
)

_OF_KEY = sql.SQL("""
SELECT 0, 1::float8, NULL::bigint, embedding FROM {} WHERE product_id = %(seed)s
    AND embedding IS NOT NULL
""")
_OF_ID = sql.SQL("""
SELECT 0, 1::float8, NULL::bigint, v.embedding FROM recommender_product p
JOIN {} v ON v.product_id = p.id AND v.embedding IS NOT NULL
WHERE p.catalog_id = %(catalog)s AND p.external_id = %(product)s AND p.deleted_at IS NULL
""")

# By catalog, the space that served last. What is asked of it asks, too, whether it still does.
_served: dict[int, ServingSpace] = {}


@dataclass(frozen=True, slots=True)
class Seed:
    """A product that is there."""

    key: int
    id: str
    category: str
    title: str
    space: ServingSpace | None  # None where the catalog has none that serves


def find(catalog_id: int, external_id: str) -> Seed | None:
    """The product that this id stands for; None where there is none."""
    rows = database.fetch(_SEED, {"catalog": catalog_id, "product": external_id})
    if not rows:
        return None
    key, name, category, title, *columns = rows[0]
    space = ServingSpace(*columns) if columns[0] is not None else None
    if space is not None:
        _served[catalog_id] = space
    return Seed(key, name, category, title, space)


def nearest(
    seed: Seed,
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
) -> list[Neighbour]:
    """The available products nearest to a seed, itself first where it is available, too.

    Args:
        excluded: keys of products that are none of them.
    """
    if seed.space is None:
        return []
    of_key, _ = _selects(seed.space.pk)
    vectors = QueryVectors("key", of_key, {"seed": seed.key})
    return vector_search.nearest(seed.space, vectors, limit=limit, filter=filter, excluded=excluded)


def nearest_at_once(
    catalog_id: int, external_id: str, limit: int
) -> tuple[ServingSpace | None, list[Neighbour]]:
    """The space that served last, and the same found by the id of the seed, in one statement.

    Nothing where that space no longer serves, or the seed or its vector is not there.
    """
    space = _served.get(catalog_id)
    if space is None:
        return None, []
    parameters = {"catalog": catalog_id, "product": external_id}
    _, of_id = _selects(space.pk)
    vectors = QueryVectors("id", of_id, parameters, _condition(space))
    return space, vector_search.nearest_if_current(space, vectors, limit=limit)


@lru_cache(maxsize=10_000)
def _selects(space_id: int) -> tuple[sql.Composed, sql.Composed]:
    """By the seed's key, and by its id."""
    vectors = partitions.product_vectors(space_id)
    return _OF_KEY.format(vectors), _OF_ID.format(vectors)


@lru_cache(maxsize=10_000)
def _condition(space: ServingSpace) -> sql.Composed:
    return switching.still_serves(space)
