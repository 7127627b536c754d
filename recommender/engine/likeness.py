"""Products that others are to be like, or unlike, as one vector in each space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine.combination import ScoredList
from recommender.engine.given_history import GivenEvent
from recommender.history import aliases
from recommender.models import Catalog
from recommender.retrieval import vector_cache
from recommender.spaces.switching import ServingSpace

_KEYS = sql.SQL("""
SELECT name, id FROM unnest(%(names)s::text[]) name, LATERAL (SELECT ({key}) AS id) found
WHERE id IS NOT NULL
""").format(key=aliases.KEY.format(catalog=sql.SQL("%(catalog)s"), name=sql.SQL("name")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Products by key with their weights; below 0 for what is not wanted."""

    keys: NDArray[np.int64]
    weights: NDArray[np.float32]  # shape (products,), as the keys
    missing: tuple[str, ...] = ()  # ids that nobody knows

    @classmethod
    def of(cls, catalog: Catalog, given: Sequence[GivenEvent]) -> "Likeness":
        """The products that are given and known: one statement, none where nothing is given."""
        ids = [one.product for one in given]
        keys = dict(database.fetch(_KEYS, {"catalog": catalog.pk, "names": ids})) if ids else {}
        known = [one for one in given if one.product in keys]
        return cls(
            keys=np.array([keys[one.product] for one in known], dtype=np.int64),
            weights=np.array(
                [1.0 if one.weight is None else one.weight for one in known], dtype=np.float32
            ),
            missing=tuple(dict.fromkeys(name for name in ids if name not in keys)),
        )

    def vector(self, space: ServingSpace) -> NDArray[np.float32] | None:
        """The weighted sum of their vectors, of length one (Rocchio 1971); None without any."""
        if not len(self.keys):
            return None
        total = self.weights @ vector_cache.unit_vectors(space, self.keys)
        length = float(np.linalg.norm(total))
        return total / length if length > 0 else None

    def without(self, near: ScoredList) -> ScoredList:
        """The list without these products themselves."""
        named = set(self.keys.tolist())
        return ScoredList(near.name, [one for one in near.products if one[0] not in named])
