"""How popular products are over several windows. Numbers in, numbers out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.engine import lookup
from recommender.engine.own_products import OwnProducts

WINDOWS = ("week", "month", "quarter", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How some products stand; every array has shape (products,)."""

    users: Mapping[str, NDArray[np.float32]]  # by window, 0 for what has no history
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Popularity:
    """Users by window of all products with history; every array has shape (products,)."""

    clock: float | None  # what now is, seconds since 1970; None for the time of day
    products: NDArray[np.int64]  # keys, ascending
    users: Mapping[str, NDArray[np.float32]]  # by window
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none
    orders: Mapping[str, NDArray[np.int32]]  # by window, visible rows, best first
    labels: NDArray[np.int64]  # categories as numbers, 0 for none
    categories: NDArray[np.int64]  # the same of the visible products, ascending
    by_category: NDArray[np.int32]  # their rows, by category, then best of the month first

    def now(self) -> float:
        """What now is for the catalogue, seconds since 1970."""
        return time.time() if self.clock is None else self.clock

    def best(self, window: str, limit: int) -> NDArray[np.int64]:
        """Keys of the most popular available products of a window, best first."""
        return self.products[self.orders[window][:limit]]

    def best_in(self, category: int, limit: int) -> NDArray[np.int64]:
        """The same of a category, given as its label's number, by the month."""
        start = np.searchsorted(self.categories, category, side="left")
        end = np.searchsorted(self.categories, category, side="right")
        rows = self.by_category[start : min(end, start + limit)]
        return self.products[rows[self.users["month"][rows] > 0]]

    def heaviest_categories(self, own: OwnProducts, limit: int) -> list[int]:
        """The categories that most of a user's taste is in, as numbers."""
        rows, known = lookup.sorted_places(self.products, own.latest)
        labels = np.where(known, self.labels[rows], 0) if len(self.labels) else own.latest * 0
        return lookup.heaviest(labels, own.latest_recent, limit)

    def of(self, candidates: NDArray[np.int64]) -> Standing:
        """How each of these products stands."""
        if not len(self.products):
            nothing = np.zeros(len(candidates), dtype=np.float32)
            unknown = np.full(len(candidates), np.nan)
            return Standing(users=dict.fromkeys(self.users, nothing), first=unknown)
        rows, known = lookup.sorted_places(self.products, candidates)
        users = {
            name: np.where(known, each[rows], np.float32(0)) for name, each in self.users.items()
        }
        return Standing(users=users, first=np.where(known, self.first[rows], np.nan))


def of_columns(
    *,
    clock: float | None,
    products: NDArray[np.int64],
    users: Mapping[str, NDArray[np.float32]],
    first: NDArray[np.float64],
    labels: NDArray[np.int64],
    visible: NDArray[np.bool_],
) -> Popularity:
    """Popularity from its columns, each of shape (products,).

    Args:
        visible: which products may be listed.
    """
    by_category = np.lexsort((-users["month"], labels))
    by_category = by_category[visible[by_category]]
    return Popularity(
        clock=clock,
        products=products,
        users=users,
        first=first,
        orders={name: _order(users[name], visible) for name in WINDOWS},
        labels=labels,
        categories=labels[by_category],
        by_category=by_category.astype(np.int32),
    )


def _order(users: NDArray[np.float32], visible: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Visible rows that anybody had, the most popular first, ties by key."""
    order = np.argsort(-users, kind="stable")
    return order[(visible & (users > 0))[order]].astype(np.int32)
