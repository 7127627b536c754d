"""What is wanted and hardly there, and what is there and hardly wanted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Fewer events are no demand; a gap is where one product in stock has so many times the usual.
_FEWEST_EVENTS, _TIMES_USUAL = 30, 2.0
# What one product more would be, so that a group with none has a number, too.
_PRIOR_STOCK = 0.5
# How unlikely it must be that a product nobody clicked is as good as others: e to the minus this.
_SURPRISE = 4.6


@dataclass(frozen=True, slots=True)
class Groups:
    """Demand and stock of groups of products; every array has shape (groups,)."""

    events: Ints
    products: Ints
    in_stock: Ints
    times_usual: Floats  # events for each product in stock, as a multiple of the catalog's

    @property
    def lacking(self) -> Ints:
        """Those with much demand and few products in stock, the most lacking first."""
        is_lacking = (self.events >= _FEWEST_EVENTS) & (self.times_usual >= _TIMES_USUAL)
        rows = np.flatnonzero(is_lacking)
        return rows[np.argsort(-self.times_usual[rows], kind="stable")]


def by_group(codes: Ints, events: Ints, in_stock: NDArray[np.bool_], n: int) -> Groups:
    """Add up products by their groups.

    Args:
        codes: the group of each product, 0 to n - 1, -1 for none; shape (products,).
        events: what users did with each; shape (products,).
        in_stock: of each.
        n: how many groups.
    """
    kept = codes >= 0
    of = codes[kept]
    demand = np.bincount(of, events[kept], n).astype(np.int64)
    stock = np.bincount(of, in_stock[kept], n).astype(np.int64)
    usual = (events[kept].sum() + 1) / (in_stock[kept].sum() + _PRIOR_STOCK)
    times = demand / (stock + _PRIOR_STOCK) / usual
    return Groups(demand, np.bincount(of, minlength=n).astype(np.int64), stock, times)


def unclicked(shown: Ints, clicked: Ints) -> tuple[Ints, Floats]:
    """The products that were shown and never clicked, too often for chance.

    By a Poisson distribution of clicks at the catalog's rate.

    Args:
        shown: how often each product was shown; shape (products,).
        clicked: how often something was done with it.

    Returns:
        Their rows, the most surprising first, and the clicks that were to be expected of each.
    """
    total = int(shown.sum())
    rate = min(1.0, float(clicked[shown > 0].sum()) / total) if total else 0.0
    expected: Floats = (shown * rate).astype(np.float64)
    rows = np.flatnonzero((clicked == 0) & (expected >= _SURPRISE))
    rows = rows[np.argsort(-expected[rows], kind="stable")]
    return rows, expected[rows]
