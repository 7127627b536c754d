"""A catalog's products and history as arrays, for work on many users at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import orjson
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.behaviour.interactions import Interactions
from recommender.history import exclusion, exposure, reader
from recommender.history.exposure import Exposure
from recommender.models import Catalog

_PAGE = 20_000

_PRODUCTS = """
SELECT id, external_id, deleted_at IS NULL AND in_stock, ln(NULLIF(price::float8, 0)),
       category, brand, extract(epoch FROM released_at)::float8
FROM recommender_product WHERE catalog_id = %s AND id > %s ORDER BY id LIMIT %s
"""

_EVENTS = sql.SQL("""
COPY (
    SELECT e.user_id, e.product_id, {weight}::float4, extract(epoch FROM e.at)::float8,
           {tie_breaker}, e.type = 'rating', e.rec_id IS NOT NULL
    FROM recommender_event e JOIN (
        SELECT key, value::float8 AS weight FROM jsonb_each_text({weights}::jsonb)
    ) w ON w.key = e.type AND w.weight <> 0
    WHERE e.catalog_id = {catalog} AND e.product_id IS NOT NULL AND e.at < {before}
      AND ({weight} <> 0 OR e.type = 'rating') AND {counts}
) TO STDOUT (FORMAT binary)
""")

_ROW = arrays.row_type(
    user="i8", product="i8", weight="f4", time="f8", tie_breaker="i8", is_rating="?", by_list="?"
)
_EVENT = np.dtype(
    [
        ("user", "i8"),
        ("product", "i8"),
        ("weight", "f4"),
        ("time", "f8"),
        ("tie_breaker", "i8"),
        ("is_rating", "?"),
        ("by_list", "?"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """A catalog's products in the order of their keys; every array has shape (products,)."""

    keys: NDArray[np.int64]
    ids: NDArray[np.object_]
    available: NDArray[np.bool_]
    prices: NDArray[np.float32]  # logarithms; NaN where there is none
    categories: NDArray[np.int32]  # codes; 0 where there is none
    brands: NDArray[np.int32]
    released: NDArray[np.float64]  # seconds since 1970; NaN where it is not known

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of products by their keys, which must be there."""
        return np.searchsorted(self.keys, keys).astype(np.int64)

    def known_rows(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of those products that are there."""
        rows, there = arrays.sorted_places(self.keys, keys)
        return rows[there]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a catalog has, and what its users did before a time, in the order of time."""

    products: Products
    users: NDArray[np.int64]  # keys, in order
    events: Interactions  # with all ratings, those that weigh nothing too
    is_rating: NDArray[np.bool_]  # of each event
    exposure: Exposure

    @property
    def interactions(self) -> Interactions:
        """What counts of all that was read."""
        return self.before(np.inf)

    def before(self, time: float) -> Interactions:
        """What counted at a time: of a user's ratings of a product only the last before it."""
        kept = self.events.times < time
        return self.events.where(kept & ~self._taken_back(kept) & (self.events.weights != 0))

    def _taken_back(self, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The ratings that a later one, of those that are kept, stands for."""
        ratings = np.flatnonzero(kept & self.is_rating)
        users, products = self.events.users[ratings], self.events.products[ratings]
        pairs = users.astype(np.int64) * self.events.n_products + products
        # The first of the reverse is the last of a pair.
        _, last = np.unique(pairs[::-1], return_index=True)
        taken_back = np.zeros(len(self.events), dtype=bool)
        taken_back[ratings] = True
        taken_back[ratings[::-1][last]] = False
        return taken_back


def read(catalog: Catalog, before: datetime) -> Reading:
    """Products, and the events with a weight before a time; memory is some 100 bytes an event."""
    products = read_products(catalog)
    events = _events(catalog, before)
    known = np.isin(events["product"], products.keys)
    events = events[known]
    # The reverse of the order in which `reader.LATEST` has a user's events, ties too.
    events = events[np.lexsort((events["weight"], ~events["tie_breaker"], events["time"]))]
    users, places = np.unique(events["user"], return_inverse=True)
    return Reading(
        products,
        users.astype(np.int64),
        Interactions(
            users=places.astype(np.int32),
            products=products.rows(events["product"].astype(np.int64)).astype(np.int32),
            weights=events["weight"].astype(np.float32),
            times=events["time"].astype(np.float64),
            n_users=len(users),
            n_products=len(products),
            by_list=events["by_list"].astype(bool) if events["by_list"].any() else None,
        ),
        events["is_rating"],
        exposure.read(catalog),
    )


def read_products(catalog: Catalog) -> Products:
    """All products of a catalog, those that are deleted too: their history tells of others."""
    rows = list(_product_rows(catalog))
    keys, ids, available, prices, categories, brands, released = (
        zip(*rows, strict=True) if rows else ((),) * 7
    )
    return Products(
        keys=np.array(keys, dtype=np.int64),
        ids=np.array(ids, dtype=object),
        available=np.array(available, dtype=bool),
        prices=_numbers(prices).astype(np.float32),
        categories=_codes(categories),
        brands=_codes(brands),
        released=_numbers(released),
    )


def _product_rows(catalog: Catalog) -> Iterator[tuple[object, ...]]:
    after = 0
    while rows := database.fetch(_PRODUCTS, (catalog.pk, after, _PAGE)):
        yield from rows
        after = rows[-1][0]


def _numbers(values: tuple[float | None, ...]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _codes(labels: tuple[str, ...]) -> NDArray[np.int32]:
    """A number for each label, 0 for the empty one."""
    known = {"": 0}
    return np.array([known.setdefault(label, len(known)) for label in labels], dtype=np.int32)


def _events(catalog: Catalog, before: datetime) -> NDArray[np.void]:
    """The events as an array of `_EVENT`."""
    statement = _EVENTS.format(
        weight=reader.weight(
            sql.SQL("w.weight"),
            worst=sql.Literal(catalog.rating_min),
            best=sql.Literal(catalog.rating_max),
        ),
        tie_breaker=reader.TIE_BREAKER,
        counts=exclusion.COUNTS,
        weights=sql.Literal(orjson.dumps(catalog.event_weights).decode()),
        catalog=sql.Literal(catalog.pk),
        before=sql.Literal(before.isoformat()),
    )
    with database.copy(statement) as stream:
        return np.concatenate([_narrowed(rows) for rows in arrays.copied(stream, _ROW)])


def _narrowed(rows: NDArray[np.void]) -> NDArray[np.void]:
    """The fields alone, without their lengths."""
    events = np.empty(len(rows), _EVENT)
    for name in _EVENT.names or ():
        events[name] = rows[name]
    return events
