"""What users did, as arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
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
    by_list: NDArray[np.bool_] | None = None  # whether a list led to it; None where none did

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
            by_list=None if self.by_list is None else self.by_list[kept],
        )

    def own(self) -> "Interactions":
        """Those that no list led to."""
        return self if self.by_list is None else self.where(~self.by_list)

    def positive(self) -> "Interactions":
        """Those that say something good."""
        return self.where(self.weights > 0)

    def summed(self, values: NDArray[np.float64] | None = None) -> "csr_array":
        """Users × products: the sum of a value by event, by default of ones; float32."""
        # What every command loads reads this module, and few commands sum.
        from scipy.sparse import csr_array  # noqa: PLC0415

        data = np.ones(len(self)) if values is None else values
        shape = (self.n_users, self.n_products)
        matrix = csr_array((data.astype(np.float32), (self.users, self.products)), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def binary(self) -> "csr_array":
        """Users × products: 1 where there is an event; float32."""
        matrix = self.summed()
        matrix.data[:] = 1.0
        return matrix

    def decayed(self, half_life_days: float, clock: float) -> "csr_array":
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


def preferences(interactions: Interactions, *, half_life_days: float, clock: float) -> "csr_array":
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


# So many users with a second time are needed to say anything of how times lie.
_FEWEST_USERS = 20
# Of real histories hardly a tenth of the steps have one length, and hardly a user in five ends on
# the last day.
_EVEN_STEPS, _ONE_END = 0.95, 0.98
# Within a shorter history everyone may well end on one day.
_LONG_ENOUGH = 7 * SECONDS_A_DAY
_UNITS = (("day", SECONDS_A_DAY), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0))


def made_up_times(interactions: Interactions) -> str:
    """Why times tell no more than the order of each user's events; empty where they tell more.

    Public next-item sets come so: a list of products for each user, to which times were made up.
    They betray themselves by steps of one length between a user's events, or by users who all end
    on one day.
    """
    order = np.lexsort((interactions.times, interactions.users))
    users, times = interactions.users[order], np.round(interactions.times[order])
    steps = np.diff(times)[(np.diff(users) == 0) & (np.diff(times) > 0)]
    of_users = np.flatnonzero(np.diff(users, prepend=-1))
    ends = np.maximum.reduceat(times, of_users) if len(times) else times
    starts = np.minimum.reduceat(times, of_users) if len(times) else times
    ends = ends[ends > starts]
    if len(ends) < _FEWEST_USERS:
        return ""
    lengths, counts = np.unique(steps, return_counts=True)
    if counts.max() >= _EVEN_STEPS * len(steps):
        return f"the events of each user are {_in_words(lengths[counts.argmax()])} apart"
    at_one_end = np.abs(ends - np.median(ends)) <= SECONDS_A_DAY / 2
    if times.max() - times.min() > _LONG_ENOUGH and at_one_end.mean() >= _ONE_END:
        return "the histories of all users end on the same day"
    return ""


def _in_words(seconds: float) -> str:
    unit, length = next(unit for unit in _UNITS if seconds % unit[1] == 0)
    count = seconds / length
    return f"{count:.0f} {unit}{'' if count == 1 else 's'}"


# More of a user's latest events say nothing new about taste.
MAX_EVENTS = 500


@dataclass(frozen=True, slots=True)
class History:
    """A user's latest events that count, newest first; every array has shape (events,)."""

    product_ids: NDArray[np.int64]
    weights: NDArray[np.float64]  # negative where an event speaks against its product, never 0
    times: NDArray[np.float64]  # seconds since 1970
