"""The source of one kind of item neighbours: what goes with the user's own products."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.engine import attribution
from recommender.engine.attribution import Attribution
from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.item_neighbours import sums_of
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import CandidateStore


class NeighbourSource(CandidateSource):
    """Neighbours of the user's own products, summed over these, all of them or the last ones."""

    def __init__(self, kind: str, proposing: tuple[str, ...]) -> None:
        self._kind = kind
        self._names = sums_of(kind)
        self._proposing = [name for name in self._names if name in proposing]
        self.columns = tuple(f"{kind}:{name}" for name in self._names)

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:
        neighbours = context.neighbours.get(self._kind)
        if neighbours is None:
            return ()
        return [neighbours.best(name, n) for name in self._proposing]

    def score(self, candidates: Candidates) -> None:
        neighbours = candidates.context.neighbours.get(self._kind)
        if neighbours is None:
            return
        for column, name in zip(self.columns, self._names, strict=True):
            candidates.table[column] = neighbours.scores(name, candidates.table.products)

    def has_signal(self, context: UserContext) -> bool:
        neighbours = context.neighbours.get(self._kind)
        return neighbours is not None and len(neighbours.products) > 0

    def attribute(self, candidates: Candidates, rows: NDArray[np.int64]) -> Iterable[Attribution]:
        neighbours = candidates.context.neighbours.get(self._kind)
        if neighbours is not None:
            links = neighbours.links()
            items = candidates.table.products[rows]
            yield attribution.of_links(
                self._kind, links.sources, links.targets, links.scores, items
            )


def sources(store: CandidateStore) -> Sequence[CandidateSource]:
    """One for each kind of neighbours that training stores."""
    proposing = store.config.neighbour_sums
    return [NeighbourSource(kind, proposing) for kind in store.neighbour_kinds]
