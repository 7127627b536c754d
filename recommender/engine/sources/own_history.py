"""The source of what the user had before, where it may be listed again."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine import features
from recommender.engine.attribution import Attribution
from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import CandidateStore


class OwnHistorySource(CandidateSource):
    """The user's own products, by how much and how often they had them."""

    keeps_all: ClassVar[bool] = True
    columns = ("repeat:decayed", "repeat:lasting", "repeat:often")

    def __init__(self, listed: int) -> None:
        self._listed = listed

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:  # noqa: ARG002
        return [context.allowed(context.own.products[: self._listed], self._listed)]

    def score(self, candidates: Candidates) -> None:
        own = candidates.context.own
        rows, had = arrays.places(own.products, candidates.table.products)
        for column, measure in zip(
            self.columns, (own.decayed, own.lasting, own.counts), strict=True
        ):
            candidates.table[column] = features.where_had(measure, rows, had, 0.0)

    def attribute(self, candidates: Candidates, rows: NDArray[np.int64]) -> Iterable[Attribution]:
        """One that is had again is there because of itself."""
        items = candidates.table.products[rows]
        _, had = arrays.places(candidates.context.own.products, items)
        yield Attribution(part="repeat", own=items, gave=np.diag(had.astype(np.float64)))


def sources(store: CandidateStore) -> Sequence[CandidateSource]:
    """One, where own products may be listed."""
    return [OwnHistorySource(store.config.own_listed)] if store.lists_own else []
