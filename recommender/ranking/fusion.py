"""A ranker that needs no learning: reciprocal-rank fusion, one vote a signal."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import features
from recommender.ranking.ranker import BASE, Contributions, Ranker, Scored, signal_of
from recommender.ranking.table import CandidateTable

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
    dilute a strong one of its signal.)
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

        def contributions(rows: NDArray[np.int64]) -> Contributions:
            return Contributions((BASE, *rows_of), values[:, rows].T)

        return Scored(values.sum(axis=0), contributions)

    def to_bytes(self) -> bytes:
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "FusionRanker":  # noqa: ARG003 - it holds nothing
        return cls()
