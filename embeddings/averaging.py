"""One vector of several: those of a long text's parts."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Rejected
from embeddings.types import SparseVector


def mean(vectors: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """The weighted mean of unit vectors of shape (dimension,), scaled to length one.

    Raises:
        Rejected: they cancel out, so that it points nowhere.
    """
    total = np.average(np.stack(vectors), axis=0, weights=weights)
    length = np.linalg.norm(total)
    if not length > 0:
        raise Rejected("The vectors of the text's parts cancel out; shorten the text.")
    unit: NDArray[np.float32] = (total / length).astype(np.float32)
    return unit


def sparse_mean(vectors: Sequence[SparseVector], weights: Sequence[float]) -> SparseVector:
    """The weighted mean of sparse vectors: of each token's weight, 0 where it does not occur."""
    sums: defaultdict[int, float] = defaultdict(float)
    names: dict[int, str] = {}
    for vector, weight in zip(vectors, weights, strict=True):
        for index, value in zip(vector.indices, vector.values, strict=True):
            sums[index] += weight * value
        names |= dict(zip(vector.indices, vector.tokens, strict=False))
    indices = tuple(sorted(sums))
    return SparseVector(
        indices,
        tuple(sums[index] / sum(weights) for index in indices),
        tuple(names[index] for index in indices) if names else (),
    )
