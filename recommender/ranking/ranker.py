"""What every ranker does: score candidates, and say of what parts a score is made."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import features, within_request
from recommender.ranking.contributions import BASE
from recommender.ranking.table import CandidateTable


@dataclass(frozen=True, slots=True)
class Contributions:
    """Of some candidates, what each part gives to the score; a row's sum is its score."""

    names: tuple[str, ...]  # the base first
    values: NDArray[np.float64]  # shape (rows, parts)


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a table's candidates, higher is better, and what they are made of."""

    scores: NDArray[np.float64]  # shape (candidates,)
    parts: Callable[[NDArray[np.int64]], Contributions]  # of the candidates in these rows

    def explain(self, rows: NDArray[np.int64]) -> list[dict[str, float]]:
        """What each part gives to the score of the candidates in these rows; it adds up.

        "base" is where all candidates start and what is known of the user; other parts are there
        only where they give anything.
        """
        found = self.parts(rows)
        return [
            {
                name: value
                for name, value in zip(found.names, values, strict=True)
                if value or name == BASE
            }
            for values in found.values.tolist()
        ]


class Ranker(ABC):
    """A way to rank candidates."""

    kind: ClassVar[str]

    @abstractmethod
    def scored(self, table: CandidateTable) -> Scored:
        """Scores and their explanation, for little more than the scores alone."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """What `storage.from_bytes` makes the same ranker of."""

    def score(self, table: CandidateTable) -> NDArray[np.float64]:
        """A score for each candidate, shape (candidates,); only those of a request compare."""
        return self.scored(table).scores

    def explain(self, table: CandidateTable, rows: NDArray[np.int64]) -> list[dict[str, float]]:
        """What each part gives to the scores of the candidates in these rows of the table."""
        return self.scored(table).explain(rows)


class LearntRanker(Ranker):
    """A ranker that reads features."""

    names: tuple[str, ...]

    @abstractmethod
    def scored_features(self, matrix: NDArray[np.float32]) -> Scored:
        """The same of features of shape (candidates, features), in the order of `names`."""

    def scored(self, table: CandidateTable) -> Scored:
        return self.scored_features(features.matrix(table, self.names))


def top(
    scores: NDArray[np.float64], sizes: NDArray[np.int64], count: int
) -> list[NDArray[np.int64]]:
    """Of each request the rows of its best candidates, best first and ties by row."""
    return [
        rows.start + np.argsort(-scores[rows], kind="stable")[:count]
        for rows in within_request.requests(sizes)
    ]
