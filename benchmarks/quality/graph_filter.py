"""GF-CF: a graph filter in closed form (Shen et al. 2021, How Powerful is Graph Convolution for
Recommendation?)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from recommender.insight.baselines import Scorer

_SEED = 20


def right_vectors(matrix: csr_array, most: int) -> NDArray[np.float32]:
    """The right singular vectors of R̃ of the largest singular values, shape (most, products).

    Args:
        matrix: users × products R, 1 where a user had a product.
    """
    normalised = _normalised(matrix)
    rank = max(1, min(most, min(normalised.shape) - 1))
    start = np.random.default_rng(_SEED).standard_normal(min(normalised.shape)).astype(np.float32)
    _, sizes, right = svds(normalised, k=rank, v0=start)
    return np.asarray(right[np.argsort(-sizes)], np.float32)


def graph_filter(matrix: csr_array, vectors: NDArray[np.float32], low_pass: float) -> Scorer:
    """Scores of r·(R̃ᵀR̃ + low_pass · D^-½ Vᵀ V D^½), with R̃ = D_u^-½ R D^-½.

    Args:
        matrix: users × products R, 1 where a user had a product.
        vectors: V, what the ideal low pass lets through: `right_vectors`.
        low_pass: its weight; 0 leaves the linear filter alone.
    """
    normalised = _normalised(matrix)
    transposed = csr_array(normalised.T)
    degrees = matrix.sum(axis=0)
    root = np.sqrt(np.maximum(degrees, 1.0)).astype(np.float32)

    def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = matrix[users]
        scores: NDArray[np.float32] = (rows @ transposed @ normalised).toarray()
        if low_pass:
            smooth = (rows @ diags_array(1 / root)) @ vectors.T @ vectors
            scores += np.float32(low_pass) * smooth * root
        scores[:, degrees <= 0] = -np.inf
        return scores.astype(np.float32, copy=False)

    return score


def _normalised(matrix: csr_array) -> csr_array:
    of_users, of_products = (
        diags_array(np.maximum(matrix.sum(axis=axis), 1.0) ** -0.5) for axis in (1, 0)
    )
    return csr_array(of_users @ matrix @ of_products).astype(np.float32)
