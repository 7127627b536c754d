"""Where the unusual begins: thresholds off the bulk of values, which outliers do not move."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_UPPER = 0.9


def threshold(values: NDArray[np.float64], false_alarms: float) -> float:
    """The value that only so many usual ones exceed; inf where no value tells what is usual.

    The logarithms of usual values are taken as normally distributed, and that is read off their
    median and upper tenth.

    Args:
        values: shape (values,), not negative. Zeros lie off the distribution: they are usual.
        false_alarms: a share of all values, between 0 and 0.5.
    """
    positive = values[values > 0]
    if not len(positive):
        return float("inf")
    middle, upper = np.quantile(np.log(positive), [0.5, _UPPER])
    normal = NormalDist()
    tail = min(false_alarms * len(values) / len(positive), 0.5)
    steps = normal.inv_cdf(1 - tail) / normal.inv_cdf(_UPPER)
    with np.errstate(over="ignore"):  # beyond the largest number lies inf, as beyond all values
        return float(np.exp(middle + (upper - middle) * steps))
