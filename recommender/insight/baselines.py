"""Published methods to measure against, each fitted on one interaction matrix.

The matrix is users × products, a `csr_array` of positive float32 weights; users who are tested are
rows of it like all others, with what they had before the cut-off. Each function fits a method and
returns its `Scorer`. The same matrix gives the same scores. Hyperparameters are one set for all
catalogs, unless a caller says otherwise.

From scores of all products to each user's list of the best k. Numbers in, numbers out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import ItemItemRecommender
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array, csr_matrix

from recommender import arrays
from recommender.behaviour.settings import AlsSettings
from recommender.behaviour.trainer import ALS
from recommender.ranking.ranker import reciprocal_rank

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
        columns, ordered = arrays.best_of_rows(scores, k)
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
            columns, ordered = arrays.best_of_rows(scores, _FUSION_DEPTH)
            rows, ranks = np.nonzero(np.isfinite(ordered))
            worth = np.array([reciprocal_rank(1 + rank) for rank in range(columns.shape[1])])
            total[rows, columns[rows, ranks]] += worth[ranks]
        total[total == 0] = -np.inf
        return total

    return fused


_SEED = 20
_NEIGHBOURS = 100
# EASE holds a dense products × products matrix: 1.6 GB at this many, and its inverse takes minutes.
_EASE_PRODUCTS = 20_000
_EASE_REGULARIZATION = 200.0
_FACTORS = 128
_ALS = AlsSettings()


class BaselineError(Exception):
    """A baseline cannot be fitted on this catalog; the message says why, for the report."""


def popular(popularity: NDArray[np.float64]) -> Scorer:
    """The same for everyone: what most had, of all time or lately, as the counts say.

    Args:
        popularity: users (or events) a product, shape (products,); what has 0 is not proposed.
    """
    scores = np.where(popularity > 0, popularity, -np.inf).astype(np.float32)
    return lambda users: np.tile(scores, (len(users), 1))


def item_knn(matrix: csr_array, neighbours: int = _NEIGHBOURS) -> Scorer:
    """Item-based nearest neighbours by cosine (Sarwar et al. 2001; Deshpande & Karypis 2004).

    A product's score is the sum of its similarities to what the user had; each product keeps its
    nearest, without shrinkage.
    """
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=0))
    columns = _legible(matrix, np.float64)
    columns.data /= lengths[columns.indices]
    model = ItemItemRecommender(K=neighbours + 1)  # one of them is the product itself
    model.fit(columns, show_progress=False)
    similarity = csr_array(model.similarity, dtype=np.float32)
    similarity.setdiag(0)
    by_seed = csr_array(similarity.T)
    return lambda users: _proposed((matrix[users] @ by_seed).toarray())


def ease(matrix: csr_array, regularization: float = _EASE_REGULARIZATION) -> Scorer:
    """EASE: the closed form of a linear autoencoder without self-similarity (Steck 2019).

    Raises:
        BaselineError: above 20,000 products, or with weights too large for float32.
    """
    products = matrix.shape[1]
    if products > _EASE_PRODUCTS:
        raise BaselineError(
            f"EASE inverts a dense matrix of products × products: {products:,} are more than the "
            f"{_EASE_PRODUCTS:,} that fit into memory and minutes."
        )
    try:
        weights = _ease_weights(matrix, regularization)
    except np.linalg.LinAlgError as exc:
        raise BaselineError(
            f"EASE found no inverse: beside weights this large, λ = {regularization:g} is "
            "lost to rounding. Give it smaller ones."
        ) from exc
    return lambda users: np.asarray(matrix[users] @ weights, np.float32)


def _ease_weights(matrix: csr_array, l2: float) -> NDArray[np.float32]:
    """All weights, dense, shape (products, products), in the memory of one such matrix.

    With P = (XᵀX + l2 · I)⁻¹, found by Cholesky, row h and column p is −P[h, p] / P[p, p]; the
    diagonal is 0.

    Raises:
        LinAlgError: beside entries this large, l2 is lost to rounding.
    """
    gramian = np.asarray((matrix.T @ matrix).toarray(order="F"), np.float32)
    diagonal = np.diag_indices_from(gramian)
    gramian[diagonal] += np.float32(l2)
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gramian,))
    factor, is_indefinite = factorise(gramian, lower=True, overwrite_a=True)
    inverse, is_singular = invert(factor, lower=True, overwrite_c=True)
    if is_indefinite or is_singular:
        raise np.linalg.LinAlgError(f"The Gramian with {l2:g} on its diagonal has no inverse.")
    # LAPACK fills one triangle, by columns; its transpose is by rows, and the other is mirrored.
    weights: NDArray[np.float32] = inverse.T
    for place in range(len(weights)):
        weights[place + 1 :, place] = weights[place, place + 1 :]
    weights /= -weights[diagonal]
    weights[diagonal] = 0.0
    return weights


def als(matrix: csr_array, settings: AlsSettings = _ALS) -> Scorer:
    """Implicit ALS (Hu, Koren & Volinsky 2008), as the behaviour space `als` is learnt."""
    factors = ALS(settings, random_state=_SEED).fit(matrix)
    return _products_of(factors.users, factors.products)


def bpr(matrix: csr_array, rate: float = 0.01, regularization: float = 0.01) -> Scorer:
    """Bayesian personalised ranking (Rendle et al. 2009) by `implicit`.

    In one thread: several write to the same factors without a lock, and no run equals the last.
    """
    model = BayesianPersonalizedRanking(
        factors=_FACTORS,
        learning_rate=rate,
        regularization=regularization,
        random_state=_SEED,
        num_threads=1,
    )
    model.fit(_legible(matrix, np.float32), show_progress=False)
    return _products_of(model.user_factors, model.item_factors)


def mean_profile(weights: csr_array, vectors: NDArray[np.float32]) -> Scorer:
    """Content only: the products nearest to the mean of the vectors of what the user had.

    Args:
        weights: users × products, how much each product counts in the mean.
        vectors: unit rows, shape (products, dimension). A row of zeros is a product without a
            vector: it is not proposed; nor is anything to a user who had only such.
    """
    without = ~vectors.any(axis=1)

    def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
        profiles = weights[users] @ vectors
        scores = np.asarray(profiles @ vectors.T, np.float32)
        scores[:, without] = -np.inf
        scores[~profiles.any(axis=1)] = -np.inf
        return scores

    return score


def repeat(weights: csr_array) -> Scorer:
    """The user's own products again, by weight; for lists that may hold what the user had.

    Args:
        weights: users × products, the more recent and frequent the heavier.
    """
    return lambda users: _proposed(weights[users].toarray().astype(np.float32))


def _legible(matrix: csr_array, dtype: type[np.floating[Any]]) -> csr_matrix:
    """The matrix in the one shape that `implicit` reads: of the old class, with 32-bit indices."""
    indices, bounds = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_matrix((matrix.data.astype(dtype), indices, bounds), shape=matrix.shape)


def _products_of(user_factors: NDArray[np.float32], item_factors: NDArray[np.float32]) -> Scorer:
    return lambda users: user_factors[users] @ item_factors.T


def _proposed(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """What no evidence speaks for is not proposed."""
    scores[scores <= 0] = -np.inf
    return scores
