"""The source that knows which candidates would stand in for the given products."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.scores import BEHAVIOUR, COSINE
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import Space
from recommender.profiles.profile import INTEREST, LAST
from recommender.ranking.related import SUBSTITUTE

# Chosen on half a million transactions (decision 59).
_SHARPNESS = 2


class SubstituteSource(CandidateSource):
    """How much a candidate is like one of the own products that is of its category, from 0 to 1.

    Where the category of either is not known, content alone says so. It proposes nothing.
    """

    is_personal: ClassVar[bool] = False
    columns = (f"{SUBSTITUTE}:likeness",)

    def __init__(self, spaces: Sequence[Space]) -> None:
        self._spaces = [
            space.name for space in spaces if space.kind != BEHAVIOUR and space.metric == COSINE
        ]

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:  # noqa: ARG002
        return ()

    def score(self, candidates: Candidates) -> None:
        likeness = np.zeros(len(candidates), dtype=np.float32)
        for name in self._spaces:
            profile = candidates.context.profiles.get(name)
            for row, vector in enumerate(profile.vectors if profile is not None else ()):
                if vector.kind in (INTEREST, LAST):
                    near = candidates.similarities[name][row]
                    near = np.where(_may_replace(candidates, vector.product_id), near, 0.0)
                    np.maximum(likeness, near, out=likeness)
        candidates.table[self.columns[0]] = np.clip(likeness, 0.0, 1.0) ** _SHARPNESS


def _may_replace(candidates: Candidates, product: int) -> NDArray[np.bool_]:
    """Which candidates are not known to be of another category than an own product."""
    rows, known = arrays.places(candidates.own.products, np.array([product], dtype=np.int64))
    own = candidates.own.labels["category"][rows[0]] if known[0] else 0
    labels = candidates.products.labels["category"]
    may: NDArray[np.bool_] = (labels == own) | (labels == 0) | (own == 0)
    return may
