"""Matrix factorisation by a truncated singular value decomposition."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, svd
from scipy.sparse import csr_array, diags_array

from recommender.behaviour.factors import Factors, dimension
from recommender.behaviour.fold_in import FoldIn

_OVERSAMPLING = 32
_ITERATIONS = 4


@dataclass(frozen=True, slots=True)
class SVD:
    """Product rows of V·S of the degree-normalised matrix D_u^-½ B D_p^-½, of unit length.

    B says only whether a user likes a product. Without the degrees the first dimensions would
    say no more than what is popular.
    """

    name: ClassVar[str] = "svd"
    model: ClassVar[str] = "truncated-svd"
    metric: ClassVar[Literal["cosine"]] = "cosine"
    dimension: ClassVar[int] = 256

    def fit(self, preferences: csr_array) -> Factors:
        """See Trainer."""
        normalised = _degree_normalised(preferences)
        wanted = dimension(self.dimension, preferences.shape)
        products = _unit(_scaled_right_vectors(normalised, wanted))
        users = _unit(np.asarray(preferences @ products))
        return Factors(users=users, products=products, fold_in=FoldIn())


def _degree_normalised(preferences: csr_array) -> csr_array:
    binary = preferences.astype(np.float32)
    binary.data = np.ones_like(binary.data)
    by_user, by_product = (
        diags_array(np.maximum(binary.sum(axis=axis), 1.0).astype(np.float32) ** -0.5)
        for axis in (1, 0)
    )
    return csr_array(by_user @ binary @ by_product)


def _scaled_right_vectors(matrix: csr_array, rank: int) -> NDArray[np.float32]:
    """V·S of the largest singular values, shape (columns, rank), by a randomised subspace
    iteration (Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1)."""
    if not matrix.nnz:
        return np.zeros((matrix.shape[1], rank), dtype=np.float32)
    transposed = csr_array(matrix.T)
    columns = min(rank + _OVERSAMPLING, *matrix.shape)
    start = np.random.default_rng(1).standard_normal((matrix.shape[1], columns), dtype=np.float32)
    basis, _ = qr(start, mode="economic")
    for _ in range(_ITERATIONS):
        basis, _ = qr(transposed @ (matrix @ basis), mode="economic")
    _, sizes, right = svd(matrix @ basis, full_matrices=False)
    found = basis @ right[:rank].T * sizes[:rank]
    # A singular vector's sign is free: the largest entry becomes the positive one.
    largest = found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]
    return np.asarray(np.where(largest < 0, -found, found), dtype=np.float32)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; what is zero but for rounding is zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, rows / np.maximum(lengths, 1e-6), 0.0).astype(np.float32)
