"""From scores of all products to each user's list of the best k. Numbers in, numbers out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.ranking.fusion import reciprocal_rank

# Rows of the matrix that a scorer was fitted on → scores of shape (rows, products); −∞ is a product
# that the scorer does not propose, so that a list may be short but holds nothing arbitrary.
Scorer = Callable[[NDArray[np.int64]], NDArray[np.float32]]

# What one block of users × products may hold: 80 MB of float32.
_BLOCK_CELLS = 20_000_000
# What a fusion reads of each list. Further down, 1 / (60 + rank) hardly differs between places.
_FUSION_DEPTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """What may be listed.

    listable: bool, shape (products,): in the catalog and in stock.
    seen: users × products, stored where a user's list must not hold the product; None excludes
        nothing. Its rows are those of the matrix that the scorers were fitted on.
    """

    listable: NDArray[np.bool_]
    seen: csr_array | None

    def mask(self, scores: NDArray[np.float32], users: NDArray[np.int64]) -> None:
        """Set −∞, in place, where a product may not be listed; scores: (users, products)."""
        scores[:, ~self.listable] = -np.inf
        if self.seen is not None:
            rows, columns = self.seen[users].nonzero()
            scores[rows, columns] = -np.inf


def top_lists(
    scorer: Scorer, users: NDArray[np.int64], k: int, eligible: Eligible
) -> list[NDArray[np.int64]]:
    """The best k products of each user, best first; fewer where the scorer proposes fewer.

    Users are scored in blocks: memory is bounded however many there are. Of equal scores, the
    lower column stands first.

    Args:
        users: rows of the matrix that the scorer was fitted on, shape (n,).

    Returns:
        Columns, one array a user, in the order of `users`.
    """
    step = max(1, _BLOCK_CELLS // len(eligible.listable))
    lists: list[NDArray[np.int64]] = []
    for start in range(0, len(users), step):
        block = users[start : start + step]
        scores = scorer(block)
        eligible.mask(scores, block)
        columns, ordered = _best(scores, k)
        lists += [
            row[np.isfinite(row_scores)] for row, row_scores in zip(columns, ordered, strict=True)
        ]
    return lists


def fusion(scorers: Sequence[Scorer], eligible: Eligible) -> Scorer:
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009) of the best 200 of each scorer.

    Ranks are counted among what may be listed.
    """

    def fused(users: NDArray[np.int64]) -> NDArray[np.float32]:
        total = np.zeros((len(users), len(eligible.listable)), np.float32)
        for scorer in scorers:
            scores = scorer(users)
            eligible.mask(scores, users)
            columns, ordered = _best(scores, _FUSION_DEPTH)
            rows, ranks = np.nonzero(np.isfinite(ordered))
            worth = np.array([reciprocal_rank(1 + rank) for rank in range(columns.shape[1])])
            total[rows, columns[rows, ranks]] += worth[ranks]
        total[total == 0] = -np.inf
        return total

    return fused


def _best(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The columns of the k highest scores of each row, highest first, and these scores."""
    k = min(k, scores.shape[1])
    columns = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    highest = np.take_along_axis(scores, columns, axis=1)
    order = np.argsort(-highest, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(highest, order, axis=1)
