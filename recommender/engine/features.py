"""The features of candidates: numbers that mean the same in every request.

The same code live, in batches, in training and in evaluation.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.engine import refusal
from recommender.engine.candidates import Candidates, ProductColumns
from recommender.engine.scores import NEVER, CandidatePopularity, OwnProducts
from recommender.ranking.prior import REFUSED

_REPEAT = ("repeat:count", "repeat:days")
_ALWAYS = (
    "popular:trend",
    "product:age",
    "product:untouched",
    "product:price",
    "product:category",
    "product:brand",
    REFUSED,
    "user:products",
    "user:events",
    "user:days",
)

Floats = NDArray[np.float32]


def names(*, lists_own: bool) -> tuple[str, ...]:
    """The features of a request; those of repeats only where own products may be listed."""
    return (*_ALWAYS, *_REPEAT) if lists_own else _ALWAYS


def fill(candidates: Candidates, spaces: Sequence[str]) -> None:
    """Write the features of candidates into their table.

    Args:
        spaces: names of those that tell what is like what was turned down.
    """
    table, context, own = candidates.table, candidates.context, candidates.context.own
    table["popular:trend"] = _trend(candidates.popularity)
    table["product:age"], table["product:untouched"] = _ages(
        candidates.popularity.first, candidates.products.released, context.clock
    )
    table["product:price"] = _distance(candidates.products.prices, candidates.own.prices)
    for label in ("category", "brand"):
        table[f"product:{label}"] = _share(candidates.own, candidates.products, label, own)
    table[REFUSED] = refusal.likeness(candidates, spaces)
    table["user:products"] = float(own.seen)
    table["user:events"] = float(own.events)
    table["user:days"] = own.days_since
    if context.lists_own:
        rows, had = arrays.places(own.products, table.products)
        table["repeat:count"] = where_had(own.counts, rows, had, 0.0)
        table["repeat:days"] = where_had(own.days, rows, had, NEVER)


def where_had(
    measure: NDArray[np.float64], rows: NDArray[np.int64], had: NDArray[np.bool_], never: float
) -> Floats:
    """A measure of own products for each candidate, `never` for one the user never had.

    Args:
        measure: shape (own products,).
        rows: of each candidate among the own products, where `had`; shape (candidates,).
    """
    values = np.full(len(rows), never, dtype=np.float32)
    values[had] = measure[rows[had]]
    return values


def _trend(popularity: CandidatePopularity) -> Floats:
    """How much more popular candidates are this week than in a usual one of the month."""
    usual = np.log1p(popularity.users["month"] * np.float32(7 / 30))
    trend: Floats = np.log1p(popularity.users["week"]) - usual
    return trend


def _ages(
    first: NDArray[np.float64], released: NDArray[np.float64], clock: float
) -> tuple[Floats, Floats]:
    """For how many days candidates have been there, its logarithm; and which nobody has touched.

    Args:
        first: the time of their first event, NaN where there was none.
        released: when they were released, NaN where unknown; a day to come tells nothing yet.
    """
    untouched = np.isnan(first)
    released = np.where(released > clock, np.nan, released)
    days = (clock - np.where(untouched, released, first)) / SECONDS_A_DAY
    return np.log1p(np.maximum(days, 0.0)).astype(np.float32), untouched.astype(np.float32)


def _share(own: ProductColumns, products: ProductColumns, label: str, mine: OwnProducts) -> Floats:
    """How much of the user's taste has each candidate's category or brand."""
    labels, weights = products.labels[label], mine.latest_recent
    total = float(weights.sum())
    if not total:
        return np.zeros(len(labels), dtype=np.float32)
    ids, rows = arrays.distinct(own.labels[label])
    shares = np.bincount(rows, weights, len(ids)) / total
    at, known = arrays.sorted_places(ids, labels)
    return np.where(known & (labels != 0), shares[at], 0.0).astype(np.float32)


def _distance(prices: Floats, own: Floats) -> Floats:
    """Prices against the user's usual, as logarithms; NaN where either is unknown."""
    known = own[np.isfinite(own)]
    usual = known.mean() if len(known) else np.float32(np.nan)
    return (prices - usual).astype(np.float32)
