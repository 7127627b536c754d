"""How clicks come about: how far down users look, times how good what they find there is.

The position-based model (Richardson, Dominowska & Ragno 2007; Craswell et al. 2008): a click's
probability is the examination of its place times the attraction of the item. Both are monotone:
nobody looks at a later place more, and what a model holds to be better attracts no less. Numbers
in, numbers out; many tables are fitted at once, so that a bootstrap can fit each of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import metrics

Floats = NDArray[np.float64]

_ROUNDS = 20
# A place that next to nobody is seen to look at: what was clicked there counts this much at most.
LEAST_EXAMINATION = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class ClickModel:
    """The model of each of some tables."""

    examination: Floats  # of each place, that of the first is 1; shape (tables, places)
    attraction: Floats  # of each level, ascending; shape (tables, levels)


def fit(shown: Floats, clicks: Floats) -> ClickModel:
    """The likeliest model, by turns: attraction as examination has it, and the other way round.

    Clicks are rare, so that they count as Poisson; then each turn is an isotonic regression
    (Barlow et al. 1972).

    Args:
        shown: how many items were shown, shape (tables, places, levels); levels are of what a model
            holds of an item, the worst first.
        clicks: how many of them were clicked, of the same shape.
    """
    of_places, of_levels = clicks.sum(axis=2), clicks.sum(axis=1)
    examination = np.ones(of_places.shape)
    attraction = np.ones(of_levels.shape)
    for _ in range(_ROUNDS):
        seen = np.einsum("tjb,tj->tb", shown, examination)
        attraction = isotonic(of_levels, seen)
        expected = np.einsum("tjb,tb->tj", shown, attraction)
        examination = isotonic(of_places[:, ::-1], expected[:, ::-1])[:, ::-1]
        scale = np.where(examination[:, :1] > 0, examination[:, :1], 1.0)
        examination = np.maximum(examination / scale, LEAST_EXAMINATION)
    return ClickModel(examination, attraction)


def isotonic(sums: Floats, weights: Floats) -> Floats:
    """The ascending means that fit best, by the min-max formula; those of nothing are 0.

    The mean of i is the largest, of all that begin at or before i, of the smallest means of what
    ends at or after i (Robertson, Wright & Dykstra 1988).

    Args:
        sums: shape (tables, n).
        weights: of how many each is the sum, shape (tables, n).
    """
    totals, counts = (_of_ranges(each) for each in (sums, weights))
    means = np.where(counts > 0, metrics.quotient(totals, counts), np.inf)
    smallest = np.minimum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]
    begins_later = np.tri(sums.shape[1], k=-1, dtype=bool)
    smallest[:, begins_later] = -np.inf
    largest: Floats = np.where(np.isfinite(smallest), smallest, -np.inf).max(axis=1)
    return np.where(np.isfinite(largest), largest, 0.0)


def _of_ranges(values: Floats) -> Floats:
    """The sum of each range from a to b, both within it, shape (tables, n, n)."""
    ends = np.cumsum(values, axis=1)
    ranges: Floats = ends[:, None, :] - (ends - values)[:, :, None]
    return ranges
