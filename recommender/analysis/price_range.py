"""Prices out of the range of their category: the robust z of the logarithm of the price.

What is usual is the category's median, shrunk from few products towards its department's and the
catalog's, and then what products that say the same cost more or less than that. The spread is the
median absolute deviation (Rousseeuw and Croux 1993).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.analysis.least_squares import LeftOut
from recommender.analysis.nearest import Vectors

Floats = NDArray[np.float64]

# A category's own products weigh as much as its department's once there are so many.
_PRODUCTS_OF_A_CENTRE = 2
_MAD_TO_SIGMA = 1.4826
_LEAST_SIGMA = 0.05
# A price that is wrong must not pull at what is learnt: in standard deviations.
_FARTHEST = 3.0


@dataclass(frozen=True, slots=True)
class PriceRange:
    """How far each price is from what is usual; NaN where there is no price.

    Attributes:
        z: in standard deviations, shape (products,).
        usual: the price that is usual for such a product in its category.
        sigma: the standard deviation of the logarithm of the price around it.
    """

    z: Floats
    usual: Floats
    sigma: float


def fit(prices: Floats, categories: Sequence[str], features: Vectors) -> PriceRange | None:
    """How the prices fit; a price of 0 is none. None where fewer than two products have one.

    Args:
        features: of each product, shape (products, columns); zeros where nothing is known.
    """
    logs = np.log(np.where(prices > 0, prices, np.nan))
    there = np.flatnonzero(np.isfinite(logs))
    if len(there) < 2:
        return None
    centre = np.full(len(logs), np.median(logs[there]))
    for paths in ([path.split("/")[0] for path in categories], categories):
        centre = _shrunk(logs, _members(paths), centre)
    left = logs[there] - centre[there]
    priced = features if len(there) == len(features) else features[there]
    centre[there] += _learnt(priced, np.clip(left, *_within(left)))
    left = logs - centre
    sigma = max(_sigma(left[there]), _LEAST_SIGMA)
    return PriceRange(left / sigma, np.exp(centre), sigma)


def _learnt(features: Vectors, left: Floats) -> Floats:
    """What the others tell of how much dearer or cheaper each is."""
    middle = float(left.mean())
    known = (left - middle).astype(np.float32)[:, None]
    model = LeftOut(features)
    told = model.answers(slice(None), model.weights(features.T @ known), known)
    return told[:, 0].astype(np.float64) + middle


def _within(values: Floats) -> tuple[float, float]:
    middle, reach = float(np.median(values)), _FARTHEST * max(_sigma(values), _LEAST_SIGMA)
    return middle - reach, middle + reach


def _sigma(values: Floats) -> float:
    return _MAD_TO_SIGMA * float(np.median(np.abs(values - np.median(values))))


def _shrunk(logs: Floats, members: Sequence[NDArray[np.int64]], towards: Floats) -> Floats:
    centre = towards.copy()
    for rows in members:
        own, count = _median(logs[rows])
        if count:
            share = count / (count + _PRODUCTS_OF_A_CENTRE)
            centre[rows] = share * own + (1 - share) * towards[rows]
    return centre


def _median(values: Floats) -> tuple[float, int]:
    there = values[np.isfinite(values)]
    return (float(np.median(there)), len(there)) if len(there) else (0.0, 0)


def _members(paths: Sequence[str]) -> list[NDArray[np.int64]]:
    by_path: dict[str, list[int]] = defaultdict(list)
    for place, path in enumerate(paths):
        if path:
            by_path[path].append(place)
    return [np.array(rows, dtype=np.int64) for rows in by_path.values()]
