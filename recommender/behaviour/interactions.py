"""What users did, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """Events with a product, in the order of their time; every array has shape (events,).

    Users and products are row numbers from 0. A weight is what the event says about taste: its
    type's, scaled by its value; it may be zero or negative.
    """

    users: NDArray[np.int32]
    products: NDArray[np.int32]
    weights: NDArray[np.float32]
    times: NDArray[np.float64]  # seconds since 1970
    n_users: int
    n_products: int

    def __len__(self) -> int:
        return len(self.users)

    def before(self, time: float) -> "Interactions":
        """What had happened before a time: of the rest nothing is left that could be seen."""
        return self.where(self.times < time)

    def where(self, kept: NDArray[np.bool_]) -> "Interactions":
        """Those events that a mask of shape (events,) keeps."""
        return Interactions(
            users=self.users[kept],
            products=self.products[kept],
            weights=self.weights[kept],
            times=self.times[kept],
            n_users=self.n_users,
            n_products=self.n_products,
        )

    def positive(self) -> "Interactions":
        """Those that say something good."""
        return self.where(self.weights > 0)

    def summed(self, values: NDArray[np.float64] | None = None) -> csr_array:
        """Users × products: the sum of a value by event, by default of ones; float32."""
        data = np.ones(len(self)) if values is None else values
        shape = (self.n_users, self.n_products)
        matrix = csr_array((data.astype(np.float32), (self.users, self.products)), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def binary(self) -> csr_array:
        """Users × products: 1 where there is an event; float32."""
        matrix = self.summed()
        matrix.data[:] = 1.0
        return matrix

    def decayed(self, half_life_days: float, clock: float) -> csr_array:
        """Users × products: the sum of the positive weights, halved for every half-life before
        the clock; float32."""
        ages = np.maximum(clock - self.times, 0.0) / SECONDS_A_DAY
        return self.summed(np.maximum(self.weights, 0.0) * 0.5 ** (ages / half_life_days))


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


# More of a user's latest events say nothing new about taste.
MAX_EVENTS = 500


@dataclass(frozen=True, slots=True)
class History:
    """A user's latest events that count, newest first; every array has shape (events,)."""

    product_ids: NDArray[np.int64]
    weights: NDArray[np.float64]  # negative where an event speaks against its product, never 0
    times: NDArray[np.float64]  # seconds since 1970
