"""How many products pass a filter: what decides between an exact search and the index."""

import time
from threading import Lock

from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.engine.filters import Filter

_SECONDS = 30.0
_ENTRIES = 1024

_COUNT = sql.SQL("""
SELECT count(*) FROM (
    SELECT FROM recommender_product p
    WHERE p.catalog_id = {catalog} AND p.deleted_at IS NULL AND p.in_stock AND {condition}
    LIMIT {limit}
) AS passing
""")

_lock = Lock()
_counts: dict[tuple[int, str], tuple[float, int]] = {}


def passing(catalog_id: int, filter: Filter) -> int:  # noqa: A002 - the API's word
    """How many available products pass, counted up to just past EXACT_LIMIT.

    Remembered for half a minute: it only chooses a plan, and both plans are right.
    """
    key = (catalog_id, filter.key)
    now = time.monotonic()
    remembered = _counts.get(key)
    if remembered is not None and now - remembered[0] < _SECONDS:
        return remembered[1]
    number = _count(catalog_id, filter, settings.EXACT_LIMIT + 1)
    with _lock:
        if len(_counts) >= _ENTRIES:
            _counts.clear()
        _counts[key] = (now, number)
    return number


def count_all(catalog_id: int, filter: Filter | None) -> int:  # noqa: A002 - the API's word
    """How many available products there are, or pass, now."""
    return _count(catalog_id, filter, None)


def _count(catalog_id: int, filter: Filter | None, limit: int | None) -> int:  # noqa: A002
    query = _COUNT.format(
        catalog=sql.Literal(catalog_id),
        condition=filter.condition if filter else sql.SQL("true"),
        limit=sql.SQL("ALL") if limit is None else sql.Literal(limit),
    )
    return int(database.fetch(query, filter.parameters if filter else {})[0][0])
