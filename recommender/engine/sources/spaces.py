"""The source of a space: products near to the vectors of a user's profile."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.engine import attribution
from recommender.engine.attribution import Attribution
from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.scores import space_names, space_scores_of
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import CandidateStore, Space
from recommender.profiles.profile import NEGATIVE


class SpaceSource(CandidateSource):
    """What is near to a user's interests, latest products and long-term factor in one space."""

    def __init__(self, space: Space) -> None:
        self._space = space
        names = space_names(space.kind, space.metric)
        self.columns = tuple(self._column(name) for name in names)

    @property
    def name(self) -> str:
        return self._space.name

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:
        profile = context.profiles.get(self._space.name)
        return profile.nearest(n) if profile is not None else ()

    def score(self, candidates: Candidates) -> None:
        profile = candidates.context.profiles.get(self._space.name)
        if profile is None:
            return
        similarities = candidates.similarities[self._space.name]
        scores = space_scores_of(self._space.metric, profile.vectors, similarities)
        for name, values in scores.items():
            candidates.table[self._column(name)] = values

    def has_signal(self, context: UserContext) -> bool:
        profile = context.profiles.get(self._space.name)
        return profile is not None and bool(profile.vectors)

    def attribute(self, candidates: Candidates, rows: NDArray[np.int64]) -> Iterable[Attribution]:
        profile = candidates.context.profiles.get(self._space.name)
        if profile is None:
            return
        liked = [row for row, vector in enumerate(profile.vectors) if vector.kind != NEGATIVE]
        if liked:
            vectors = [profile.vectors[row] for row in liked]
            yield attribution.of_vectors(
                self._space.kind,
                np.array([vector.product_id for vector in vectors], dtype=np.int64),
                candidates.similarities[self._space.name][liked],
                np.array([vector.weight for vector in vectors]),
                rows,
            )

    def _column(self, name: str) -> str:
        return f"{self._space.kind}:{self._space.name}:{name}"


def sources(store: CandidateStore) -> Sequence[CandidateSource]:
    """One for each space that serves, in the order of their names."""
    return [SpaceSource(space) for space in sorted(store.spaces, key=lambda space: space.name)]
