"""How popular products are over several windows, remembered: what no request should count."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import arrays, facts
from recommender.engine.channels import CATEGORIES
from recommender.engine.facts import OwnProducts
from recommender.engine.passing import VISIBLE
from recommender.history import popularity
from recommender.models import Catalog

# The popularity that proposes candidates; the others only tell of them.
PROPOSING = ("week", "month", "all")
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
_PAST = sql.SQL("({})").format(popularity.VOTES)


def label(column: str) -> sql.Composed:
    """A category or brand as a number that no other is likely to have; 0 for none."""
    return sql.SQL(
        "CASE p.{0} WHEN '' THEN 0 ELSE hashtextextended(p.{0}, 0) & 9223372036854775807 END"
    ).format(sql.Identifier(column))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How some products stand; every array has shape (products,)."""

    users: Mapping[str, NDArray[np.float32]]  # by window, 0 for what has no history
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Users by window of all products with history; every array has shape (products,)."""

    clock: float | None  # what now is, seconds since 1970; None for the time of day
    products: NDArray[np.int64]  # keys, ascending
    users: Mapping[str, NDArray[np.float32]]  # by window
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none
    orders: Mapping[str, NDArray[np.int32]]  # by proposing window, visible rows, best first
    labels: NDArray[np.int64]  # categories as numbers, 0 for none
    categories: NDArray[np.int64]  # the same of the visible products, ascending
    by_category: NDArray[np.int32]  # their rows, by category, then best of the month first

    def now(self) -> float:
        """What now is for the catalogue, seconds since 1970."""
        return timezone.now().timestamp() if self.clock is None else self.clock

    def best(self, window: str, limit: int) -> NDArray[np.int64]:
        """Keys of the most popular available products of a window, best first."""
        return self.products[self.orders[window][:limit]]

    def best_in(self, category: int, limit: int) -> NDArray[np.int64]:
        """The same of a category, given as its label's number, by the month."""
        start = np.searchsorted(self.categories, category, side="left")
        end = np.searchsorted(self.categories, category, side="right")
        rows = self.by_category[start : min(end, start + limit)]
        return self.products[rows[self.users["month"][rows] > 0]]

    def heaviest_categories(self, own: OwnProducts) -> list[int]:
        """The categories that most of a user's taste is in, as numbers."""
        rows, known = facts.sorted_places(self.products, own.latest)
        labels = np.where(known, self.labels[rows], 0) if len(self.labels) else own.latest * 0
        return facts.heaviest(labels, own.latest_recent, CATEGORIES)

    def of(self, candidates: NDArray[np.int64]) -> Standing:
        """How each of these products stands."""
        if not len(self.products):
            nothing = np.zeros(len(candidates), dtype=np.float32)
            unknown = np.full(len(candidates), np.nan)
            return Standing(users=dict.fromkeys(self.users, nothing), first=unknown)
        rows, known = facts.sorted_places(self.products, candidates)
        users = {
            name: np.where(known, each[rows], np.float32(0)) for name, each in self.users.items()
        }
        return Standing(users=users, first=np.where(known, self.first[rows], np.nan))


class _Memory:
    """Of each catalogue the windows as they were last counted, the longest unused forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[int, tuple[datetime, Windows]] = OrderedDict()

    def get(self, catalog_id: int, counted_at: datetime) -> Windows | None:
        with self._lock:
            at, found = self._found.get(catalog_id, (None, None))
            if found is None or at != counted_at:
                return None
            self._found.move_to_end(catalog_id)
            return found

    def put(self, catalog_id: int, counted_at: datetime, found: Windows) -> None:
        with self._lock:
            self._found[catalog_id] = (counted_at, found)
            self._found.move_to_end(catalog_id)
            while len(self._found) > 1 and self._size() > _MOST_PRODUCTS:
                self._found.popitem(last=False)

    def _size(self) -> int:
        return sum(len(found.products) for _, found in self._found.values())


_memory = _Memory()


def find(catalog: Catalog, counted_at: datetime | None, before: datetime | None) -> Windows:
    """The popularity that is stored, or that stood at a time before.

    Args:
        counted_at: when what is stored was counted; None where it never was.
    """
    if before is not None:
        past = popularity.window(catalog, before)
        return _read(_PAST, past, before.astimezone(UTC).timestamp())
    if counted_at is None:
        return _read(_STANDING, {"catalog": catalog.pk}, _clock(catalog))
    found = _memory.get(catalog.pk, counted_at)
    if found is None:
        found = _read(_STANDING, {"catalog": catalog.pk}, _clock(catalog))
        _memory.put(catalog.pk, counted_at, found)
    return found


def _clock(catalog: Catalog) -> float | None:
    """None where now is the time of day."""
    clock = popularity.clock(catalog)
    return None if timezone.now() - clock < _SECOND else clock.timestamp()


def _read(source: sql.Composable, parameters: dict[str, object], clock: float | None) -> Windows:
    query = _COLUMNS.format(source=source, visible=VISIBLE, category=label("category"))
    sent = database.fetch(query, parameters)[0]
    products, week, month, quarter, ever, first, categories, visibility = sent
    users = {
        name: arrays.singles(each)
        for name, each in zip(
            ("week", "month", "quarter", "all"), (week, month, quarter, ever), strict=True
        )
    }
    labels, visible = arrays.ints(categories), arrays.ints(visibility) > 0
    by_category = np.lexsort((-users["month"], labels))
    by_category = by_category[visible[by_category]]
    return Windows(
        clock=clock,
        products=arrays.ints(products),
        users=users,
        first=arrays.floats(first),
        orders={name: _order(users[name], visible) for name in PROPOSING},
        labels=labels,
        categories=labels[by_category],
        by_category=by_category.astype(np.int32),
    )


def _order(users: NDArray[np.float32], visible: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Visible rows that anybody had, the most popular first, ties by key."""
    order = np.argsort(-users, kind="stable")
    return order[(visible & (users > 0))[order]].astype(np.int32)
