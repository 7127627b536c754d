"""Which products pass a filter: what decides between an exact search and the index."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.engine.filters import Filter
from recommender.spaces import partitions
from recommender.spaces.serving import ServingSpace

_SECONDS = 10.0
# Places remembered by a process, all filters together: some 50 MB.
_MOST_PLACES = 4_000_000
_MOST_FILTERS = 10_000

VISIBLE = sql.SQL("p.deleted_at IS NULL AND p.in_stock")

# When products of the catalogue and vectors of the space last changed: two index look-ups.
_VERSION = sql.SQL("""
ARRAY[(SELECT max(updated_at) FROM recommender_product WHERE catalog_id = {catalog}),
      (SELECT embedded_at FROM recommender_space WHERE id = {space})]
""")

_FIND = sql.SQL("""
SELECT {version}, count(*), COALESCE(array_agg(place ORDER BY place), '{{}}')::text FROM (
    SELECT v.ctid AS place FROM recommender_product p JOIN {vectors} v ON v.product_id = p.id
    WHERE p.catalog_id = {catalog} AND {visible} AND {condition} AND v.embedding IS NOT NULL
    LIMIT {limit}
) AS found
""")

_COUNT = sql.SQL("""
SELECT count(*) FROM recommender_product p
WHERE p.catalog_id = {catalog} AND {visible} AND {condition}
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
    taken: float

    @property
    def few(self) -> bool:
        """Whether they are so few that comparing all of them beats the index."""
        return self.number <= settings.EXACT_LIMIT


class _Memory:
    """What was found lately, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[int, str], Passing] = OrderedDict()
        self._places = 0

    def get(self, key: tuple[int, str]) -> Passing | None:
        with self._lock:
            found = self._found.get(key)
            if found is None or time.monotonic() - found.taken > _SECONDS:
                return None
            self._found.move_to_end(key)
            return found

    def put(self, key: tuple[int, str], found: Passing) -> None:
        with self._lock:
            old = self._found.pop(key, None)
            self._places += found.number - (old.number if old else 0)
            self._found[key] = found
            while self._places > _MOST_PLACES or len(self._found) > _MOST_FILTERS:
                self._places -= self._found.popitem(last=False)[1].number


_memory = _Memory()


def find(space: ServingSpace, filter: Filter, *, anew: bool = False) -> Passing:  # noqa: A002
    """The available products that pass, or the first EXACT_LIMIT + 1 of them.

    Remembered for ten seconds. Whoever uses the places compares `version` with `version_of` in
    the same statement, and asks `anew` where something has changed since.
    """
    key = (space.pk, filter.key)
    found = None if anew else _memory.get(key)
    if found is None:
        found = _find(space, filter)
        _memory.put(key, found)
    return found


def count(catalog_id: int, filter: Filter | None) -> int:  # noqa: A002 - the API's word
    """How many available products there are, or pass, now."""
    query = _COUNT.format(
        catalog=sql.Literal(catalog_id),
        visible=VISIBLE,
        condition=filter.condition if filter else sql.SQL("true"),
    )
    return int(database.fetch(query, filter.parameters if filter else {})[0][0])


def version_of(space: ServingSpace) -> sql.Composed:
    """The SQL of the version that a space's products and vectors are at."""
    return _VERSION.format(catalog=sql.Literal(space.catalog_id), space=sql.Literal(space.pk))


def _find(space: ServingSpace, filter: Filter) -> Passing:  # noqa: A002 - the API's word
    query = _FIND.format(
        version=version_of(space),
        catalog=sql.Literal(space.catalog_id),
        vectors=partitions.product_vectors(space.pk),
        visible=VISIBLE,
        condition=filter.condition,
        limit=sql.Literal(settings.EXACT_LIMIT + 1),
    )
    version, number, places = database.fetch(query, filter.parameters)[0]
    return Passing(places, number, version, time.monotonic())
