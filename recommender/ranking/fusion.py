"""A ranker that needs no learning: reciprocal-rank fusion, one voice a part."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import within_request
from recommender.ranking.contributions import BASE, part
from recommender.ranking.ranker import Contributions, Ranker, Scored
from recommender.ranking.table import CandidateTable

# Cormack, Clarke & Büttcher 2009 found 60 to be right over many collections; the best has rank 1.
RRF_K = 60


def reciprocal_rank(rank: int) -> float:
    """What a place in one list is worth; the first has rank 1."""
    return 1.0 / (RRF_K + rank)


class FusionRanker(Ranker):
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009) of the parts.

    Each channel gives a candidate 1 / (60 + rank) where its score is above 0; a part says the most
    that any of its channels says. So what several parts propose rises, and a space with three
    channels is one voice and not three. (The most, and not the mean: measured; a weak channel
    must not water down a strong one of its part.)
    """

    kind: ClassVar[str] = "fusion"

    def scored(self, table: CandidateTable) -> Scored:
        scores = np.fmax(table.scores, np.float32(0))
        voices: dict[str, list[int]] = {}
        for row, name in enumerate(table.columns.scores):
            voices.setdefault(part(name), []).append(row)
        # The base is 0: nothing speaks for all.
        values = np.zeros((1 + len(voices), len(table.products)))
        for rows in within_request.requests(table.sizes):
            ranks = within_request.reciprocals(np.ascontiguousarray(scores[:, rows]), RRF_K + 1)
            for place, of_part in enumerate(voices.values(), start=1):
                values[place, rows] = ranks[of_part].max(axis=0)

        def parts(rows: NDArray[np.int64]) -> Contributions:
            return Contributions((BASE, *voices), values[:, rows].T)

        return Scored(values.sum(axis=0), parts)

    def to_bytes(self) -> bytes:
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "FusionRanker":  # noqa: ARG003 - it holds nothing
        return cls()
