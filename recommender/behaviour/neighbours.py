"""Which product leads to which, from the users who like both."""

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from recommender.behaviour.settings import CooccurrenceSettings

# Chosen on the baskets of a gift shop (decision 59).
_FEW_BASKETS = 10.0
# More of one user's products would cost with their square and change little.
_MOST_OF_A_USER = 500
_COSINE = CooccurrenceSettings()


def cooccurrence(
    binary: csr_array, limit: int = 200, settings: CooccurrenceSettings = _COSINE
) -> csr_array:
    """Degree-normalised co-occurrence, products × products, at most `limit` a row, each in (0, 1].

    Row h, column p: the sum over the users of both of 1 / products of the user ^ user, divided by
    users of h ^ own · users of p ^ target; and by the largest of all, where that is above 1. Of a
    user with more than 500 products a random 500 count, the interaction cut of Schelter, Boden &
    Markl 2012. No more than `limit` entries a row are ever held.

    Args:
        binary: users × products, 1 where a user likes a product.
    """
    if not binary.nnz:
        return _empty(binary.shape[1])
    cut = _cut(binary)
    model = ItemItemRecommender(K=limit + 1)  # a product is its own best neighbour, or nearly
    model.fit(_scaled(cut, settings.user / 2, settings.target), show_progress=False)
    similarity = model.similarity.tocoo()
    kept = (similarity.row != similarity.col) & (similarity.data > 0)
    rows, columns = similarity.row[kept], similarity.col[kept]
    # Both sides have the target's exponent; which of a row's entries are largest stays the same.
    data = similarity.data[kept] * degrees(cut, 0)[rows] ** (settings.target - settings.own)
    data = (data / max(1.0, float(data.max(initial=0.0)))).astype(np.float32)
    # A row that lost itself to others that are as good has one too many.
    return strongest(csr_array((data, (rows, columns)), shape=similarity.shape), limit)


def bought_together(baskets: csr_array, limit: int = 200) -> csr_array:
    """Co-occurrence in baskets, products × products, as `cooccurrence`, of few baskets less.

    Two products that were bought once each, and together, have the co-occurrence 1: what n baskets
    say counts as n / (n + 10) of it.

    Args:
        baskets: baskets × products, 1 where a basket holds a product.
    """
    matrix = cooccurrence(baskets, limit)
    bought = np.asarray(baskets.sum(axis=0)).ravel()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    together = matrix.data * np.sqrt(bought[rows] * bought[matrix.indices])
    matrix.data = (matrix.data * together / (together + _FEW_BASKETS)).astype(np.float32)
    return matrix


def _cut(binary: csr_array) -> csr_array:
    """At most 500 products of each user, chosen at random by a fixed seed."""
    users = np.repeat(np.arange(binary.shape[0]), np.diff(binary.indptr))
    order = np.lexsort((np.random.default_rng(1).random(binary.nnz), users))
    place = np.arange(binary.nnz) - binary.indptr[users]
    kept = order[place < _MOST_OF_A_USER]
    where = (users[kept], binary.indices[kept])
    return csr_array((binary.data[kept], where), shape=binary.shape)


def degrees(binary: csr_array, axis: int) -> NDArray[np.float64]:
    """How many users a product has (axis 0), or products a user (axis 1); at least 1."""
    return np.maximum(np.asarray(binary.sum(axis=axis), dtype=np.float64).ravel(), 1.0)


def _scaled(binary: csr_array, user: float, product: float) -> csr_matrix:
    """Entries divided by powers of the degrees of their user and product; as implicit reads it."""
    of_users = np.repeat(degrees(binary, 1) ** -user, np.diff(binary.indptr))
    data = of_users * degrees(binary, 0)[binary.indices] ** -product
    places = binary.indices.astype(np.int32), binary.indptr.astype(np.int32)
    return csr_matrix((data, *places), shape=binary.shape)


def strongest(matrix: csr_array, limit: int) -> csr_array:
    """Of each row the `limit` furthest from 0, ties by column."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -np.abs(matrix.data), rows))
    kept = order[np.arange(len(rows)) - matrix.indptr[rows] < limit]
    return csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)


def _empty(products: int) -> csr_array:
    return csr_array((products, products), dtype=np.float32)
