"""How good ranked lists are. Numbers in, numbers out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_SEED = 20
_CONFIDENCE = 95.0


@dataclass(frozen=True, slots=True)
class Scores:
    """The metrics of one list of length k, each 0 to 1."""

    ndcg: float
    recall: float
    hit_rate: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where 95 % of the means lie when other users like these are drawn."""

    mean: float
    low: float
    high: float


def scores(listed: Sequence[str], wanted: Collection[str], k: int) -> Scores:
    """NDCG@k with binary gains (Järvelin & Kekäläinen 2002), recall@k, and whether any was hit.

    Recall is of as many as a list of k can hold, so that 1 can be reached.

    Args:
        listed: products, best first, no product twice.
        wanted: at least one product.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    hits = np.array([product in wanted for product in listed[:k]], dtype=bool)
    most = min(len(wanted), k)
    return Scores(
        ndcg=float(discounts[: len(hits)][hits].sum() / discounts[:most].sum()),
        recall=float(hits.sum() / most),
        hit_rate=float(hits.any()),
    )


def interval(values: NDArray[np.float64]) -> Interval:
    """The mean of values, shape (n,), n ≥ 1, with its 95 % percentile bootstrap interval.

    The bootstrap is Efron's (1979). The same values give the same interval.
    """
    draws = np.random.default_rng(_SEED).integers(len(values), size=(_RESAMPLES, len(values)))
    tail = (100.0 - _CONFIDENCE) / 2
    low, high = np.percentile(values[draws].mean(axis=1), [tail, 100.0 - tail])
    return Interval(float(values.mean()), float(low), float(high))
