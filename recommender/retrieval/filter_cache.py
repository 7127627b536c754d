"""Which products pass a filter: what decides between an exact search and the index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock

from cachetools import TTLCache
from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.retrieval.filters import Filter, rendered
from recommender.spaces import partitions
from recommender.spaces.switching import ServingSpace

_SECONDS = 10.0
# Places remembered by a process, all filters together: some 50 MB.
_MOST_PLACES = 4_000_000
_FILTER_WEIGHT = 400

VISIBLE = sql.SQL("p.deleted_at IS NULL AND p.in_stock")

# When products of the catalog and vectors of the space last changed: two index look-ups.
_VERSION = sql.SQL("""
ARRAY[(SELECT max(updated_at) FROM recommender_product WHERE catalog_id = {catalog}),
      (SELECT embedded_at FROM recommender_space WHERE id = {space})]
""")

_FIND = sql.SQL("""
SELECT {version}, count(*), COALESCE(array_agg(place ORDER BY place), '{{}}')::text FROM (
    SELECT v.ctid AS place FROM recommender_product p JOIN {vectors} v ON v.product_id = p.id
    WHERE p.catalog_id = {catalog} AND {condition} AND v.embedding IS NOT NULL
    LIMIT {limit}
) AS found
""")

_COUNT = sql.SQL("""
SELECT count(*) FROM recommender_product p
WHERE p.catalog_id = {catalog} AND {condition} AND {among}
""")


@dataclass(frozen=True, slots=True)
class Passing:
    """The available products that pass a filter, as they were at a version of their space.

    They are known by the places of their vectors in the table (ctid), as PostgreSQL reads an
    array: fetching 5,000 rows by place takes a fifth of what it takes through the primary key.
    """

    places: str
    number: int
    version: list[datetime | None]

    @property
    def few(self) -> bool:
        """Whether they are so few that comparing all of them beats the index."""
        return self.number <= settings.EXACT_LIMIT


# Remembered for ten seconds, the longest unused forgotten first; a filter weighs as much as 400
# places beside those that pass it.
_found: TTLCache[tuple[int, str], Passing] = TTLCache(
    _MOST_PLACES, _SECONDS, getsizeof=lambda passing: passing.number + _FILTER_WEIGHT
)
_lock = Lock()


def find(space: ServingSpace, filter: Filter, *, anew: bool = False) -> Passing:  # noqa: A002
    """The available products that pass, or the first EXACT_LIMIT + 1 of them.

    Remembered for ten seconds. Whoever uses the places compares `version` with `version_of` in
    the same statement, and asks `anew` where something has changed since.
    """
    key = (space.pk, filter.key)
    with _lock:
        passing = None if anew else _found.get(key)
    if passing is None:
        passing = _find(space, filter)
        with _lock:
            _found[key] = passing
    return passing


def condition(filter: Filter | None) -> sql.SQL:  # noqa: A002 - the API's word
    """The SQL that a product `p` meets that is available and passes."""
    return VISIBLE if filter is None else _condition(filter.condition.as_string(None))


@lru_cache(maxsize=1000)
def _condition(passes: str) -> sql.SQL:
    return rendered(sql.SQL("{} AND {}").format(VISIBLE, sql.SQL(passes)))


def count(
    catalog_id: int,
    filter: Filter | None,  # noqa: A002 - the API's word
    among: Sequence[int] | None = None,
) -> int:
    """How many products are available and pass now, of these keys or of all."""
    parameters: dict[str, object] = dict(filter.parameters) if filter else {}
    keys: sql.Composable = sql.SQL("true")
    if among is not None:
        keys = sql.SQL("p.id = ANY(%(among)s::bigint[])")
        parameters["among"] = database.array_text(among)
    query = _COUNT.format(catalog=sql.Literal(catalog_id), condition=condition(filter), among=keys)
    return int(database.fetch(query, parameters)[0][0])


def version_of(space: ServingSpace) -> sql.Composed:
    """The SQL of the version that a space's products and vectors are at."""
    return _VERSION.format(catalog=sql.Literal(space.catalog_id), space=sql.Literal(space.pk))


def _find(space: ServingSpace, filter: Filter) -> Passing:  # noqa: A002 - the API's word
    query = _FIND.format(
        version=version_of(space),
        catalog=sql.Literal(space.catalog_id),
        vectors=partitions.product_vectors(space.pk),
        condition=condition(filter),
        limit=sql.Literal(settings.EXACT_LIMIT + 1),
    )
    version, number, places = database.fetch(query, filter.parameters)[0]
    return Passing(places, number, version)
