"""A catalog as it stood at a moment, in memory: what batches, training and replay work on.

Everything in it comes from what had happened before its clock, so nothing made of it can see the
future. Live answers get the same numbers from PostgreSQL; `channels` and `facts` make of both
what a ranker ranks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender import arrays, database
from recommender.behaviour.fold_in import FoldIn
from recommender.behaviour.interactions import SECONDS_A_DAY, Interactions
from recommender.behaviour.settings import LearnerSettings
from recommender.history.exposure import Exposure
from recommender.models import ProductNeighbor, Space
from recommender.profiles import builder
from recommender.snapshot.reading import Products, Reading
from recommender.spaces.partitions import load_vectors

WINDOWS = {"week": 7.0, "month": 30.0, "quarter": 90.0, "all": np.inf}
# Rows of vectors that are read at once.
_PAGE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceArrays:
    """A space's vectors by product row; a row of zeros where a product has none."""

    kind: str
    name: str
    metric: str
    vectors: NDArray[np.float32]  # (products, dimension)
    fold_in: FoldIn | None = None
    label: str = ""

    @property
    def has(self) -> NDArray[np.bool_]:
        """Which products have a vector."""
        result: NDArray[np.bool_] = np.any(self.vectors != 0, axis=1)
        return result


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Products, history, spaces, neighbours and popularity of one moment."""

    clock: float  # seconds since 1970
    half_life_days: float
    products: Products
    users: NDArray[np.int64]  # keys
    interactions: Interactions
    spaces: tuple[SpaceArrays, ...] = ()
    neighbours: Mapping[str, csr_array] = field(default_factory=dict)
    # Whether times tell only the order of each user's events: no event is recent then.
    has_made_up_times: bool = False
    exposure: Exposure | None = None
    # What is learnt from it is learnt so.
    learners: LearnerSettings = field(default_factory=LearnerSettings)

    @cached_property
    def popularity(self) -> Mapping[str, NDArray[np.float32]]:
        """By window: how many users had each product; where times are made up, all of time.

        Whom only lists led to it count for the share that their exposure leaves.
        """
        positive = self.interactions.positive()
        shares = self._shares
        counts = {}
        for name, length in WINDOWS.items():
            days = np.inf if self.has_made_up_times else length
            recent = positive.where(positive.times >= self.clock - days * SECONDS_A_DAY)
            users = recent.binary().sum(axis=0)
            if shares is not None:
                users = shares * users + (1 - shares) * recent.own().binary().sum(axis=0)
            counts[name] = np.asarray(users, dtype=np.float32)
        return counts

    @property
    def _shares(self) -> NDArray[np.float64] | None:
        """What whom only lists led to a product counts, shape (products,); None where all is 1."""
        if self.exposure is None or self.interactions.by_list is None:
            return None
        available = int(self.products.available.sum())
        return self.exposure.shares(self.products.keys, self.clock, available)

    @cached_property
    def first(self) -> NDArray[np.float64]:
        """When each product had its first good event; NaN where it had none."""
        first = np.full(len(self.products), np.inf)
        positive = self.interactions.positive()
        np.minimum.at(first, positive.products, positive.times)
        return np.where(np.isfinite(first), first, np.nan)

    @cached_property
    def _by_user(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events of each user, newest first, and where each user's begin."""
        order = np.argsort(self.interactions.users[::-1], kind="stable")
        order = len(self.interactions) - 1 - order
        ends = np.searchsorted(
            self.interactions.users[order], np.arange(self.interactions.n_users + 1)
        )
        return order, ends

    def events_of(self, user: int, limit: int) -> NDArray[np.int64]:
        """Positions of a user's latest events, newest first."""
        order, starts = self._by_user
        return order[starts[user] : min(starts[user + 1], starts[user] + limit)]

    def rows_of(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """The rows of users by their keys; −1 for one without history."""
        rows, there = arrays.sorted_places(self.users, np.asarray(keys, dtype=np.int64))
        return np.where(there, rows, -1)

    def with_behaviour(
        self, spaces: Sequence[SpaceArrays], neighbours: Mapping[str, csr_array]
    ) -> "Snapshot":
        """The same moment with behaviour spaces and neighbours learnt from it."""
        kept = tuple(space for space in self.spaces if space.kind != Space.Kind.BEHAVIOUR)
        return replace(self, spaces=(*kept, *spaces), neighbours=neighbours)


def stored(products: Products, spaces: Sequence[Space]) -> tuple[SpaceArrays, ...]:
    """The stored vectors of spaces, those of behaviour with what folds users in."""
    return tuple(_load(products, space) for space in spaces)


def stored_neighbours(products: Products, catalog_id: int) -> dict[str, csr_array]:
    """By kind of taste, products × products, from the table that training fills."""
    return {str(kind): _neighbours(products, catalog_id, kind) for kind in ProductNeighbor.OF_TASTE}


def as_of(
    reading: Reading,
    *,
    clock: float,
    half_life_days: float,
    spaces: Sequence[SpaceArrays] = (),
    neighbours: Mapping[str, csr_array] | None = None,
    has_made_up_times: bool = False,
) -> Snapshot:
    """The snapshot of a moment: of the history that was read, what had happened before it."""
    return Snapshot(
        clock=clock,
        half_life_days=half_life_days,
        products=reading.products,
        users=reading.users,
        interactions=reading.before(clock),
        spaces=tuple(spaces),
        neighbours=neighbours or {},
        has_made_up_times=has_made_up_times,
        exposure=reading.exposure,
    )


def seconds(time: datetime) -> float:
    """A time as seconds since 1970."""
    return time.astimezone(UTC).timestamp()


def _load(products: Products, space: Space) -> SpaceArrays:
    vectors = np.zeros((len(products), space.dimension), dtype=np.float32)
    for start in range(0, len(products), _PAGE):
        keys, rows = load_vectors(space.pk, products.keys[start : start + _PAGE].tolist())
        if len(keys):
            vectors[products.rows(keys), : rows.shape[1]] = rows
    return SpaceArrays(
        kind=space.kind,
        name=space.name,
        metric=space.metric,
        vectors=vectors,
        fold_in=builder.fold_in_of(space),
        label=str(space),
    )


def _neighbours(products: Products, catalog_id: int, kind: str) -> csr_array:
    """In pages; a neighbour that is gone is left out."""
    data: list[NDArray[np.float32]] = []
    places: list[NDArray[np.int64]] = []
    lengths = np.zeros(len(products), dtype=np.int64)
    for start in range(0, len(products), _PAGE):
        keys = products.keys[start : start + _PAGE]
        rows = database.fetch(
            "SELECT product_id, products, scores FROM recommender_productneighbor "
            "WHERE catalog_id = %s AND kind = %s AND product_id = ANY(%s) ORDER BY product_id",
            (catalog_id, kind, keys.tolist()),
        )
        for key, neighbours, scores in rows:
            there = np.isin(neighbours, products.keys)
            places.append(products.rows(np.asarray(neighbours, dtype=np.int64)[there]))
            data.append(np.asarray(scores, dtype=np.float32)[there])
            lengths[np.searchsorted(products.keys, key)] = int(there.sum())
    ends = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.concatenate(places) if places else np.zeros(0, dtype=np.int64)
    values = np.concatenate(data) if data else np.zeros(0, dtype=np.float32)
    return csr_array((values, indices, ends), shape=(len(products), len(products)))
