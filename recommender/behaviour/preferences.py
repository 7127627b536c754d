"""How sure it is that a user likes a product, from what they did with it."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.behaviour.interactions import SECONDS_A_DAY, Interactions

# An old event keeps a quarter of its weight: in histories of many years users who left long ago
# still say which products go together, and must not count for less than never having looked.
_LEAST_SHARE = 0.25


def preference(weights: NDArray[np.number]) -> NDArray[np.float32]:
    """How much a user prefers products, from the sums of their events' aged weights; any shape.

    The logarithm as in Hu, Koren & Volinsky 2008: the tenth purchase says less than the first.
    Zero where the events do not add up to something good.
    """
    return np.asarray(np.log1p(np.maximum(weights, 0.0)), dtype=np.float32)


def preferences(interactions: Interactions, *, half_life_days: float, clock: float) -> csr_array:
    """Users × products: the preference of each pair, those that are not zero; float32.

    Args:
        half_life_days: after so many days an event counts half, but never less than a quarter.
        clock: the time ages are counted to, in seconds since 1970; later events count in full.
    """
    weights = aged(interactions.weights, interactions.times, half_life_days, clock)
    matrix = interactions.summed(weights)
    matrix.data = preference(matrix.data)
    matrix.eliminate_zeros()
    return matrix


def aged(
    weights: NDArray[np.floating],
    times: NDArray[np.float64],
    half_life_days: float,
    clock: float,
) -> NDArray[np.float64]:
    """Event weights as `preferences` sums them: halved by age, but never to less than a quarter."""
    ages = np.maximum(clock - times, 0.0) / SECONDS_A_DAY
    shares = np.maximum(_LEAST_SHARE, 0.5 ** (ages / half_life_days))
    return np.asarray(weights * shares, dtype=np.float64)
