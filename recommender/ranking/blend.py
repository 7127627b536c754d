"""Trees and a sum together: each sees what the other misses. And all rankers as bytes, and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import array_of_bytes, pack_arrays, unpack_arrays
from recommender.ranking import features, lambdamart, logistic
from recommender.ranking.features import Sample
from recommender.ranking.lambdamart import LambdaMartRanker
from recommender.ranking.logistic import LogisticRanker
from recommender.ranking.ranker import Contributions, FusionRanker, Ranker, Scored
from recommender.ranking.table import CandidateTable

# How much the logistic rank may count beside the trees, the steadiest first: where examples are few
# it errs less, where they are many trees see more.
WEIGHTS = (2.0, 1.0, 0.5, 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class BlendRanker(Ranker):
    """The scores of both, each standardised within the request, the logistic one weighted."""

    kind: ClassVar[str] = "blend"

    lambdamart: LambdaMartRanker
    logistic: LogisticRanker
    weight: float = WEIGHTS[0]

    def scored(self, table: CandidateTable) -> Scored:
        trees, line = self._both(table)

        def contributions(rows: NDArray[np.int64]) -> Contributions:
            of_trees, of_line = trees.contributions(rows), line.contributions(rows)
            return Contributions(of_trees.names, of_trees.values + of_line.values)

        return Scored(trees.scores + line.scores, contributions)

    def scores(self, table: CandidateTable) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the trees give and what the logistic rank gives, shape (candidates,) each."""
        trees, line = self._both(table)
        return trees.scores, line.scores

    def _both(self, table: CandidateTable) -> tuple[Scored, Scored]:
        matrix = features.matrix(table, self.lambdamart.names)  # both read the same
        return (
            _standardised(self.lambdamart.scored_features(matrix), table.sizes, 1.0),
            _standardised(self.logistic.scored_features(matrix), table.sizes, self.weight),
        )

    def to_bytes(self) -> bytes:
        return pack_arrays(
            {
                "lambdamart": array_of_bytes(self.lambdamart.to_bytes()),
                "logistic": array_of_bytes(self.logistic.to_bytes()),
                "weight": np.array(self.weight),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        stored = unpack_arrays(data)
        return cls(
            LambdaMartRanker.from_bytes(stored["lambdamart"].tobytes()),
            LogisticRanker.from_bytes(stored["logistic"].tobytes()),
            float(stored["weight"].item()),
        )


def fit(sample: Sample) -> BlendRanker:
    """Both, learnt from the same sample."""
    return BlendRanker(lambdamart.fit(sample), logistic.fit(sample))


def _standardised(scored: Scored, sizes: NDArray[np.int64], weight: float) -> Scored:
    """The same scores as z-scores within their request, times a weight; 0 where all are alike."""
    means, spreads = features.moments(scored.scores, sizes)
    scales = weight / spreads

    def contributions(rows: NDArray[np.int64]) -> Contributions:
        unscaled = scored.contributions(rows)
        values = unscaled.values * scales[rows, None]
        values[:, 0] -= means[rows] * scales[rows]  # the base is first
        return Contributions(unscaled.names, values)

    return Scored((scored.scores - means) * scales, contributions)


_READERS: Mapping[str, Callable[[bytes], Ranker]] = {
    FusionRanker.kind: FusionRanker.from_bytes,
    LogisticRanker.kind: LogisticRanker.from_bytes,
    LambdaMartRanker.kind: LambdaMartRanker.from_bytes,
    BlendRanker.kind: BlendRanker.from_bytes,
}


def from_bytes(kind: str, data: bytes) -> Ranker:
    """The ranker whose `kind` and `to_bytes()` these are.

    Raises:
        ValueError: there is no such kind, or the bytes are not of it: another version learnt it.
    """
    if kind not in _READERS:
        raise ValueError(f"There is no ranker of kind “{kind}”. Train the catalog again.")
    try:
        return _READERS[kind](data)
    except (KeyError, ValueError) as exc:
        raise ValueError(
            f"The stored ranker of kind “{kind}” is of another version. Train the catalog again."
        ) from exc
