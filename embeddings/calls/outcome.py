"""What became of one row of many: a vector, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import EmbeddingError
from embeddings.types import Embeddings, SparseVector


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedRow:
    """A row's vector, shape (dimension,), float32, length one; None where only `sparse` was asked.

    `tokens` is the row's share of its call's tokens, a whole number.
    """

    vector: NDArray[np.float32] | None
    sparse: SparseVector | None
    tokens: int


# Rejected: this row never works. Unavailable, BudgetSpent, Misconfigured: not done, and not lost.
Outcome = EmbeddedRow | EmbeddingError


def embedded_rows(answer: Embeddings, sizes: Sequence[int]) -> list[EmbeddedRow]:
    """A call's answer, row by row.

    Args:
        sizes: the rows' estimated tokens; the call's are shared out by them, whole and with the
            same sum.
    """
    total, whole = answer.usage.tokens, sum(sizes) or 1
    bounds = [total * size // whole for size in accumulate(sizes, initial=0)]
    shares = [after - before for before, after in pairwise(bounds)]
    vectors = answer.vectors if answer.vectors.shape[1] else repeat(None, len(sizes))
    sparse = answer.sparse or repeat(None, len(sizes))
    return [EmbeddedRow(*row) for row in zip(vectors, sparse, shares, strict=True)]
