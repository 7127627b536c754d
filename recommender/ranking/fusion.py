"""A ranker that needs no learning: reciprocal-rank fusion, one voice a part."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import standing
from recommender.ranking.parts import BASE, part
from recommender.ranking.pool import CandidatePool
from recommender.ranking.ranker import Judgement, Parts, Ranker

# Cormack, Clarke & Büttcher 2009 found 60 to be right over many collections; the best has rank 1.
_OFFSET = 60 + 1
# Further down its list a channel does not mean it: of a hundred mugs and tents each is somewhere
# near a tent.
_SPEAKS_FOR = 30


class FusionRanker(Ranker):
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009) of the parts.

    Each channel gives a candidate 1 / (60 + rank) where its score is above 0; a part says the most
    that any of its channels says. So what several parts propose rises, and a space with three
    channels is one voice and not three. (The most, and not the mean: measured; a weak channel
    must not water down a strong one of its part.)
    """

    kind: ClassVar[str] = "fusion"

    def judge(self, pool: CandidatePool) -> Judgement:
        names, scores = _voices(pool)
        voices: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            voices.setdefault(part(name), []).append(row)
        # The base is 0: nothing speaks for all.
        values = np.zeros((1 + len(voices), len(pool.products)))
        for rows in standing.requests(pool.sizes):
            ranks = standing.reciprocals(np.ascontiguousarray(scores[:, rows]), _OFFSET)
            for place, of_part in enumerate(voices.values(), start=1):
                values[place, rows] = ranks[of_part].max(axis=0)

        def parts(rows: NDArray[np.int64]) -> Parts:
            return Parts((BASE, *voices), values[:, rows].T)

        return Judgement(values.sum(axis=0), parts)

    def to_bytes(self) -> bytes:
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> "FusionRanker":  # noqa: ARG003 - it holds nothing
        return cls()


def _voices(pool: CandidatePool) -> tuple[list[str], NDArray[np.float32]]:
    """What speaks: names, and scores of shape (voices, candidates), none below 0."""
    if not pool.channels:
        return [], np.zeros((0, len(pool.products)), dtype=np.float32)
    scores = np.stack(list(pool.channels.values())).astype(np.float32, copy=False)
    return list(pool.channels), np.fmax(scores, np.float32(0))
