"""A candidate source as somebody else would write one: in one file, and a line in the table."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.engine.attribution import Attribution
from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import CandidateStore

NEXT = 3


class NextOnTheShelf(CandidateSource):
    """The products that were put on the shelf just after the user's latest one."""

    columns = ("toy:next",)

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:
        return [latest + np.arange(1, 1 + min(n, NEXT)) for latest in context.own.products[:1]]

    def score(self, candidates: Candidates) -> None:
        for latest in candidates.context.own.products[:1]:
            steps = candidates.table.products - latest
            is_next = (steps > 0) & (steps <= NEXT)
            candidates.table["toy:next"] = np.where(is_next, 1 / np.maximum(steps, 1), 0)

    def attribute(self, candidates: Candidates, rows: NDArray[np.int64]) -> Iterable[Attribution]:
        latest = candidates.context.own.products[:1]
        yield Attribution(part="toy", own=latest, gave=np.ones((len(latest), len(rows))))


def sources(store: CandidateStore) -> Sequence[CandidateSource]:
    """One, whatever the store."""
    return [NextOnTheShelf()]
