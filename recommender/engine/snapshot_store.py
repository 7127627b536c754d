"""Many users' contexts and candidates out of arrays: the store of batches and training."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender import arrays
from recommender.behaviour.interactions import MAX_EVENTS, History
from recommender.engine import scores
from recommender.engine.candidates import Cause, Floats, Hydrated, Keys, ProductColumns, UserContext
from recommender.engine.config import BATCH, INTERESTS, CandidateConfig
from recommender.engine.item_neighbours import (
    ItemNeighbours,
    Links,
    own_of,
    sums_of,
    weights_of,
)
from recommender.engine.scores import OwnProducts, Popularity, space_scores_of
from recommender.profiles.profile import INTEREST, ProfileRow, profile
from recommender.snapshot.snapshot import Snapshot, SpaceArrays

# Of so many similarities at once: 64 MB.
_MOST_SIMILARITIES = 1 << 24
_MOST_USERS = 250

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SnapshotUser:
    """Whose list is made: a row of the snapshot's users, −1 for one without history."""

    row: int
    excluded: Rows  # product rows that must not be listed


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseProfile:
    """A user's vectors in a space, and how near every product of the snapshot is to them."""

    space: SpaceArrays
    vectors: Sequence[ProfileRow]
    similarities: Floats  # shape (vectors, products)
    keys: Keys  # of the products
    listable: Mask  # which of them may be listed for this user

    def nearest(self, n: int) -> Sequence[Keys]:
        """By each score of the space, the best products above zero."""
        scores = space_scores_of(self.space.metric, self.vectors, self.similarities)
        return [self.keys[_best(score, self.listable, n)] for score in scores.values()]


@dataclass(frozen=True)
class SnapshotStore:
    """A snapshot, and which of its products a batch may list; a `CandidateStore`."""

    snapshot: Snapshot
    listable: Mask  # shape (products,)
    lists_own: bool
    config: CandidateConfig = BATCH

    @property
    def spaces(self) -> Sequence[SpaceArrays]:
        return self.snapshot.spaces

    @property
    def neighbour_kinds(self) -> Sequence[str]:
        return list(self.snapshot.neighbours)

    @cached_property
    def popularity(self) -> Popularity:
        """Of all products of the snapshot, as of its clock."""
        products = self.snapshot.products
        return scores.of_columns(
            clock=self.snapshot.clock,
            products=products.keys,
            users=self.snapshot.popularity,
            first=self.snapshot.first,
            labels=products.categories.astype(np.int64),
            visible=self.listable,
        )

    def contexts(self, users: Sequence[SnapshotUser]) -> Iterator[UserContext]:
        """The context of each user, in their order, with bounded memory.

        In blocks: one product of matrices a space, and one a kind of neighbours.
        """
        size = len(self.snapshot.products)
        block = max(1, min(_MOST_USERS, _MOST_SIMILARITIES // max(1, 8 * size)))
        for start in range(0, len(users), block):
            yield from self._block(users[start : start + block])

    def hydrate(self, context: UserContext, products: Keys) -> Hydrated:
        rows = self.snapshot.products.known_rows(products)
        rows = rows[self.listable[rows]]
        return Hydrated(
            products=self._columns(rows),
            own=self._columns(self.snapshot.products.rows(context.own.latest)),
            similarities={
                name: profile.similarities[:, rows]
                for name, profile in context.profiles.items()
                if isinstance(profile, DenseProfile)
            },
            causes=partial(self._causes, context),
        )

    def searched_further(self, context: UserContext) -> UserContext | None:  # noqa: ARG002
        return None  # only what may be listed is proposed

    def _block(self, users: Sequence[SnapshotUser]) -> Iterator[UserContext]:
        histories = [self._history(user.row) for user in users]
        owns = [self._own(history) for history in histories]
        masks = [self._listable_for(user) for user in users]
        keys = self.snapshot.products.keys
        profiles: list[dict[str, DenseProfile]] = [{} for _ in users]
        for space in self.spaces:
            vectors = [self._vectors(space, history) for history in histories]
            for place, similarities in enumerate(_similarities(space, vectors)):
                if vectors[place]:
                    profiles[place][space.name] = DenseProfile(
                        space=space,
                        vectors=vectors[place],
                        similarities=similarities,
                        keys=keys,
                        listable=masks[place],
                    )
        sums = self._neighbour_sums(owns)
        for place, user in enumerate(users):
            yield UserContext(
                own=owns[place],
                excluded=np.sort(keys[user.excluded]),
                lists_own=self.lists_own,
                profiles=profiles[place],
                neighbours={
                    kind: self._neighbours(
                        kind,
                        owns[place],
                        masks[place],
                        {name: of_users[place] for name, of_users in of_kind.items()},
                    )
                    for kind, of_kind in sums.items()
                },
                popularity=self.popularity,
                clock=self.snapshot.clock,
            )

    def _causes(self, context: UserContext) -> dict[int, Cause]:
        anchors = [
            vector.product_id for profile in context.profiles.values() for vector in profile.vectors
        ]
        own = np.union1d(context.own.latest, np.array(anchors, dtype=np.int64))
        ids = self.snapshot.products.ids[self.snapshot.products.rows(own)]
        return {key: Cause(name) for key, name in zip(own.tolist(), ids.tolist(), strict=True)}

    def _listable_for(self, user: SnapshotUser) -> Mask:
        listable = self.listable.copy()
        listable[user.excluded] = False
        return listable

    def _history(self, user: int) -> History:
        """The user's latest events; products are keys, as everywhere outside the arrays."""
        interactions = self.snapshot.interactions
        events = self.snapshot.events_of(user, MAX_EVENTS) if user >= 0 else np.zeros(0, np.int64)
        return History(
            product_ids=self.snapshot.products.keys[interactions.products[events]],
            weights=interactions.weights[events].astype(np.float64),
            times=interactions.times[events],
        )

    def _own(self, history: History) -> OwnProducts:
        return scores.own_products(
            history.product_ids,
            history.weights,
            history.times,
            half_life_days=self.snapshot.half_life_days,
            clock=self.snapshot.clock,
        )

    def _vectors(self, space: SpaceArrays, history: History) -> list[ProfileRow]:
        """The vectors of a profile that speak: the heaviest interests, and all others."""
        products = np.unique(history.product_ids)
        vectors = space.vectors[self.snapshot.products.rows(products)]
        has_vector = np.any(vectors != 0, axis=1)
        rows = profile(
            history,
            products[has_vector],
            vectors[has_vector],
            metric=space.metric,
            half_life_days=self.snapshot.half_life_days,
            fold_in=space.fold_in,
        )
        return [row for row in rows if row.kind != INTEREST or row.position < INTERESTS]

    def _neighbour_sums(self, owns: Sequence[OwnProducts]) -> dict[str, dict[str, Floats]]:
        """By kind and name of the sum, each of shape (users, products)."""
        return {
            kind: {name: _dense(self._weighted(kind, name, owns) @ links) for name in sums_of(kind)}
            for kind, links in self.snapshot.neighbours.items()
        }

    def _weighted(self, kind: str, name: str, owns: Sequence[OwnProducts]) -> csr_array:
        """What the own products count in a sum, users × products."""
        keys = [own_of(kind, own) for own in owns]
        ends = np.concatenate([[0], np.cumsum([len(of_user) for of_user in keys])])
        weights = np.concatenate([weights_of(name, own) for own in owns]).astype(np.float32)
        rows = self.snapshot.products.rows(np.concatenate(keys))
        return csr_array((weights, rows, ends), shape=(len(owns), len(self.snapshot.products)))

    def _neighbours(
        self, kind: str, own: OwnProducts, listable: Mask, sums: Mapping[str, Floats]
    ) -> ItemNeighbours:
        is_neighbour = np.any([of_name != 0 for of_name in sums.values()], axis=0)
        rows = np.flatnonzero(is_neighbour & listable)
        return ItemNeighbours(
            products=self.snapshot.products.keys[rows],
            sums={name: of_name[rows].astype(np.float64) for name, of_name in sums.items()},
            links=partial(self._links, kind, own),
        )

    def _links(self, kind: str, own: OwnProducts) -> Links:
        keys = self.snapshot.products.keys
        mine = own_of(kind, own)
        neighbours = self.snapshot.neighbours[kind][self.snapshot.products.rows(mine)]
        return Links(
            sources=np.repeat(mine, np.diff(neighbours.indptr)),
            targets=keys[neighbours.indices],
            scores=neighbours.data.astype(np.float64),
        )

    def _columns(self, rows: Rows) -> ProductColumns:
        products = self.snapshot.products
        return ProductColumns(
            ids=products.ids[rows].tolist(),
            products=products.keys[rows],
            prices=products.prices[rows],
            labels={
                "category": products.categories[rows].astype(np.int64),
                "brand": products.brands[rows].astype(np.int64),
            },
            released=products.released[rows],
        )


def _similarities(space: SpaceArrays, vectors: Sequence[Sequence[ProfileRow]]) -> list[Floats]:
    """Each user's vectors times all products, shape (vectors, products); in one product."""
    stacked = [row.vector for rows in vectors for row in rows]
    if not stacked:
        return [np.zeros((0, len(space.vectors)), dtype=np.float32) for _ in vectors]
    products = np.stack(stacked) @ space.vectors.T
    return np.split(products, np.cumsum([len(rows) for rows in vectors])[:-1])


def _dense(matrix: csr_array) -> Floats:
    return np.asarray(matrix.todense(), dtype=np.float32)


def _best(score: Floats, listable: Mask, limit: int) -> Rows:
    """The rows of the listable products with the highest scores above zero, the best first."""
    scores = np.where(listable, score, 0.0)
    rows = arrays.largest(scores, limit)
    return rows[scores[rows] > 0]
