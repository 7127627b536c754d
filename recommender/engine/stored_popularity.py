"""The popularity that PostgreSQL keeps, remembered: what no request should count."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Lock

from cachetools import LRUCache
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.engine import arrays
from recommender.engine.filter_cache import VISIBLE
from recommender.engine.popularity import WINDOWS, Popularity, of_columns
from recommender.history import popularity as counting
from recommender.models import Catalog

# Products remembered by a process, all catalogues together: some 400 MB.
_MOST_PRODUCTS = 4_000_000
_SECOND = timedelta(seconds=1)

_COLUMNS = sql.SQL("""
SELECT array_send(array_agg(s.product_id ORDER BY s.product_id)),
       array_send(array_agg(s.week_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.month_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.quarter_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.all_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(COALESCE(extract(epoch FROM s.first_at), 'NaN')::float8
                            ORDER BY s.product_id)),
       array_send(array_agg({category} ORDER BY s.product_id)),
       array_send(array_agg(({visible})::int::bigint ORDER BY s.product_id))
FROM {source} s JOIN recommender_product p ON p.id = s.product_id
""")
_STANDING = sql.SQL("(SELECT * FROM recommender_productpopularity WHERE catalog_id = %(catalog)s)")
_PAST = sql.SQL("({})").format(counting.POPULARITY)


def label(column: str) -> sql.Composed:
    """A category or brand as a number that no other is likely to have; 0 for none."""
    return sql.SQL(
        "CASE p.{0} WHEN '' THEN 0 ELSE hashtextextended(p.{0}, 0) & 9223372036854775807 END"
    ).format(sql.Identifier(column))


# Of each catalogue as it was last counted, the longest unused forgotten first.
_counted: LRUCache[int, tuple[datetime, Popularity]] = LRUCache(
    _MOST_PRODUCTS, getsizeof=lambda counted: len(counted[1].products)
)
_lock = Lock()


def find(catalog: Catalog, counted_at: datetime | None, before: datetime | None) -> Popularity:
    """The popularity that is stored, or that stood at a time before.

    Args:
        counted_at: when what is stored was counted; None where it never was.
    """
    if before is not None:
        past = counting.window(catalog, before)
        return _read(_PAST, past, before.astimezone(UTC).timestamp())
    if counted_at is None:
        return _read(_STANDING, {"catalog": catalog.pk}, _clock(catalog))
    with _lock:
        at, popularity = _counted.get(catalog.pk, (None, None))
    if popularity is None or at != counted_at:
        popularity = _read(_STANDING, {"catalog": catalog.pk}, _clock(catalog))
        # What is larger than the whole cache is not kept.
        with _lock, suppress(ValueError):
            _counted[catalog.pk] = (counted_at, popularity)
    return popularity


def _clock(catalog: Catalog) -> float | None:
    """None where now is the time of day."""
    clock = counting.clock(catalog)
    return None if timezone.now() - clock < _SECOND else clock.timestamp()


def _read(source: sql.Composable, parameters: dict[str, object], clock: float | None) -> Popularity:
    query = _COLUMNS.format(source=source, visible=VISIBLE, category=label("category"))
    sent = database.fetch(query, parameters)[0]
    products, week, month, quarter, ever, first, categories, visibility = sent
    users = {
        name: arrays.singles(each)
        for name, each in zip(WINDOWS, (week, month, quarter, ever), strict=True)
    }
    return of_columns(
        clock=clock,
        products=arrays.ints(products),
        users=users,
        first=arrays.floats(first),
        labels=arrays.ints(categories),
        visible=arrays.ints(visibility) > 0,
    )
