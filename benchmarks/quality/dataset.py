"""A public set, prepared: what methods may learn from, and what is to be found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


class PrepareError(Exception):
    """A folder's files are not the set they look like; the message says which file, and what."""


class Times(StrEnum):
    """What a set's times say."""

    REAL = "real"
    ORDER = "order"  # of each user's events, and nothing else
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Events in columns, each of shape (events,).

    Attributes:
        users, products: rows of the set's users and products.
        at: seconds since 1970, UTC.
        values: what was given or bought: a rating, a quantity; None where events have no value.
        orders: the number of the order of each event; None where events have none.
    """

    users: NDArray[np.int64]
    products: NDArray[np.int64]
    at: NDArray[np.int64]
    values: NDArray[np.float64] | None = None
    orders: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.users)

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "History":
        """The events chosen, by a mask or by their places."""
        return History(
            users=self.users[chosen],
            products=self.products[chosen],
            at=self.at[chosen],
            values=None if self.values is None else self.values[chosen],
            orders=None if self.orders is None else self.orders[chosen],
        )


# A history → what is known of it, and what is to be found.
Split = Callable[[History], tuple[History, History]]


# No slots: what is made of its columns is kept beside them.
@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One set under one protocol.

    Attributes:
        name: what it is called on the command line and on the page, such as `citeulike-a`.
        protocol: one sentence for the page: what was split how, and what is ranked.
        source: where the files come from.
        titles, prices: of the products, in their order; None where the set has none.
        known: what methods learn from.
        found: what is to be found: events that come after, or were left out.
        split: how `known` is cut once more for tuning: as the set itself was cut.
        repeats: whether what a user had may be listed, and is to be found.
        event: the type of the events, as the product takes them in.
        is_recall_capped: recall is of as many as a list can hold, hits / min(wanted, k); else
            hits / wanted. It follows the protocol of the published figures.
    """

    name: str
    protocol: str
    source: str
    users: Sequence[str]
    products: Sequence[str]
    titles: Sequence[str] | None = None
    prices: Sequence[float] | None = None
    known: History
    found: History
    split: Split
    times: Times
    event: str
    repeats: bool = False
    is_recall_capped: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Users × products."""
        return len(self.users), len(self.products)

    @cached_property
    def matrix(self) -> csr_array:
        """Users × products, 1 where a user is known to have had a product; float32."""
        return binary(self.known, self.shape)

    @cached_property
    def wanted(self) -> csr_array:
        """Users × products, 1 where a user is to be given a product."""
        wanted = binary(self.found, self.shape)
        if not self.repeats:
            wanted = csr_array(wanted - wanted.multiply(self.matrix))
            wanted.eliminate_zeros()
        return wanted

    @cached_property
    def tested(self) -> NDArray[np.int64]:
        """The users who are measured: who have a history and something to find; rows."""
        has_history = np.diff(self.matrix.indptr) > 0
        return np.flatnonzero(has_history & (np.diff(self.wanted.indptr) > 0))

    @cached_property
    def validation(self) -> "Dataset":
        """What is known, cut once more: settings are chosen on it, and nothing of `found` is seen.

        Raises:
            PrepareError: nobody is left to be measured.
        """
        known, found = self.split(self.known)
        inner = replace(self, known=known, found=found)
        if not len(inner.tested):
            raise PrepareError(f"{self.name} is too small to choose settings on.")
        return inner

    def of_most_popular(self, most: int) -> "Dataset":
        """The set with so many products alone, those that most users are known to have had."""
        if most >= len(self.products):
            return self
        order = np.argsort(-self.matrix.sum(axis=0), kind="stable")
        kept = np.sort(order[:most])
        rows = np.full(len(self.products), -1)
        rows[kept] = np.arange(most)

        def narrowed(history: History) -> History:
            inside = history.where(rows[history.products] >= 0)
            return replace(inside, products=rows[inside.products])

        return replace(
            self,
            products=[self.products[row] for row in kept],
            titles=None if self.titles is None else [self.titles[row] for row in kept],
            prices=None if self.prices is None else [self.prices[row] for row in kept],
            known=narrowed(self.known),
            found=narrowed(self.found),
        )


def binary(history: History, shape: tuple[int, int]) -> csr_array:
    """Users × products, 1 where there is an event; float32, rows sorted."""
    ones = np.ones(len(history), np.float32)
    matrix = csr_array((ones, (history.users, history.products)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
