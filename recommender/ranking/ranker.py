"""What every ranker does, and the one that needs no learning, reciprocal-rank fusion.

A ranker scores candidates and says what each signal contributes to a score.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import features
from recommender.ranking.prior import REFUSED
from recommender.ranking.table import CandidateTable

# What all candidates of a request share: the intercept and the user's features.
BASE = "base"
_OF_THE_USER = "user"


def signal_of(name: str) -> str:
    """The signal that a score or feature belongs to: "text" of "text:titles:last#rank".

    The user's features are the same for every candidate and explain none: they belong to the base.
    """
    signal = name.partition(":")[0]
    return BASE if signal == _OF_THE_USER else signal


def group_by_signal(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The signals of features, the base first, and which feature belongs to which.

    Returns:
        Names of the signals, and 1 where a feature belongs to one, shape (features, signals).
    """
    of_features = [signal_of(name) for name in names]
    signals = tuple(dict.fromkeys((BASE, *of_features)))
    places = [signals.index(signal) for signal in of_features]
    return signals, np.eye(len(signals))[places] if places else np.zeros((0, len(signals)))


@dataclass(frozen=True, slots=True)
class Contributions:
    """What each signal contributes to the scores of some candidates; a row sums to its score."""

    names: tuple[str, ...]  # the base first
    values: NDArray[np.float64]  # shape (rows, signals)


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a table's candidates, higher is better, and what contributes to them."""

    scores: NDArray[np.float64]  # shape (candidates,)
    contributions: Callable[[NDArray[np.int64]], Contributions]  # of the candidates in these rows

    def explain(self, rows: NDArray[np.int64]) -> list[dict[str, float]]:
        """The contributions to the scores of the candidates in these rows; they sum to the score.

        "base" is always there; other signals are there where they contribute anything.
        """
        contributions = self.contributions(rows)
        return [
            {
                name: value
                for name, value in zip(contributions.names, values, strict=True)
                if value or name == BASE
            }
            for values in contributions.values.tolist()
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
        """The contributions to the scores of the candidates in these rows of the table."""
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
        for rows in features.requests(sizes)
    ]


# Cormack, Clarke & Büttcher 2009 found 60 to be right over many collections; the best has rank 1.
RRF_K = 60


def reciprocal_rank(rank: int) -> float:
    """What a place in one list is worth; the first has rank 1."""
    return 1.0 / (RRF_K + rank)


class FusionRanker(Ranker):
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009) of the signals.

    Each score column gives a candidate 1 / (60 + rank) where it is above 0, and a signal gives the
    maximum of its columns. So what several signals propose rises, and a space with three columns
    has one vote and not three. (The maximum measured better than the mean: a weak column must not
    dilute a strong one of its signal.) Of the sum a share is taken away, as far as the candidate is
    like what the user turned down.
    """

    kind: ClassVar[str] = "fusion"

    def scored(self, table: CandidateTable) -> Scored:
        scores = np.fmax(table.scores, np.float32(0))
        rows_of: dict[str, list[int]] = {}
        for row, name in enumerate(table.columns.scores):
            rows_of.setdefault(signal_of(name), []).append(row)
        # The base is 0: nothing speaks for all.
        values = np.zeros((1 + len(rows_of), len(table.products)))
        for rows in features.requests(table.sizes):
            ranks = features.reciprocals(np.ascontiguousarray(scores[:, rows]), RRF_K + 1)
            for place, of_signal in enumerate(rows_of.values(), start=1):
                values[place, rows] = ranks[of_signal].max(axis=0)

        if REFUSED in table.columns.places:
            # All that speaks for it counts less, nothing where it is just what was turned down.
            against = -table[REFUSED] * values.sum(axis=0)
            values = np.concatenate([values, against[None]])
            rows_of[signal_of(REFUSED)] = []

        def contributions(rows: NDArray[np.int64]) -> Contributions:
            return Contributions((BASE, *rows_of), values[:, rows].T)

        return Scored(values.sum(axis=0), contributions)

    def to_bytes(self) -> bytes:
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "FusionRanker":  # noqa: ARG003 - it holds nothing
        return cls()
