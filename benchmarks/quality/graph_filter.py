"""GF-CF: a graph filter in closed form (Shen et al. 2021, How Powerful is Graph Convolution for
Recommendation?)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import svds

from recommender.insight.baselines import Scorer

_SEED = 20


def graph_filter(matrix: csr_array, factors: int, low_pass: float) -> Scorer:
    """Scores of r·(R̃ᵀR̃ + low_pass · D^-½ V Vᵀ D^½), with R̃ = D_u^-½ R D^-½.

    Args:
        matrix: users × products R, 1 where a user had a product.
        factors: how many right singular vectors V of R̃ the ideal low pass lets through.
        low_pass: its weight; 0 leaves the linear filter alone.
    """
    is_nobodys = matrix.sum(axis=0) <= 0
    of_users, of_products = (np.maximum(matrix.sum(axis=axis), 1.0) for axis in (1, 0))
    scales = (of_users**-0.5, of_products**-0.5)
    normalised = csr_array(diags_array(scales[0]) @ matrix @ diags_array(scales[1]))
    normalised = normalised.astype(np.float32)
    transposed = csr_array(normalised.T)
    passed = _low_pass(normalised, factors) if low_pass else None
    root = np.sqrt(of_products).astype(np.float32)

    def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = matrix[users]
        scores: NDArray[np.float32] = (rows @ transposed @ normalised).toarray()
        if passed is not None:
            smooth = (rows @ diags_array(1 / root)) @ passed.T @ passed
            scores += np.float32(low_pass) * smooth * root
        scores[:, is_nobodys] = -np.inf
        return scores.astype(np.float32, copy=False)

    return score


def _low_pass(normalised: csr_array, factors: int) -> NDArray[np.float32]:
    """The right singular vectors of the largest singular values, shape (factors, products)."""
    rank = max(1, min(factors, min(normalised.shape) - 1))
    start = np.random.default_rng(_SEED).standard_normal(min(normalised.shape)).astype(np.float32)
    _, _, right = svds(normalised, k=rank, v0=start)
    return np.asarray(right, np.float32)
