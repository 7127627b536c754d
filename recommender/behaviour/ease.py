"""The linear autoencoder EASE (Steck 2019): how much each product says for each other one.

With X users × products, P = (XᵀX + l2 · I)⁻¹ and h ≠ p the weight of h for p is
−P[h, p] / P[p, p]. The inverse is dense and costs the cube of its side. Where there are fewer users
than products, it is that of the users instead: by Woodbury's identity l2 · P = I − Q with
Q = Xᵀ (XXᵀ + l2 · I)⁻¹ X, so that the weight is Q[h, p] / (1 − Q[p, p]).
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array

Float = TypeVar("Float", bound=np.floating)

# The side of the largest inverse: in single precision 576 MB, and a minute of two cores.
_MOST = 12_000
# Up to this side double precision costs seconds.
_IN_DOUBLE = 5_000
_ROWS = 500  # of a dense matrix, at a time


def ease(binary: csr_array, limit: int = 200, most: int = _MOST, l2: float = 200.0) -> csr_array:
    """The weights, products × products; float32, of each row the `limit` furthest from 0.

    The score of p is the sum over the user's products h of row h, column p.

    Args:
        binary: users × products, 1 where a user likes a product.
        most: the side of the inverse. Where there are more users and more products, the most
            popular products take part alone.

    Raises:
        LinAlgError: beside entries this large, l2 is lost to rounding.
    """
    popularity = np.asarray(binary.sum(axis=0)).ravel()
    users = np.flatnonzero(np.diff(binary.indptr))
    by_users = len(users) <= min(most, int(np.count_nonzero(popularity)))
    limited = len(popularity) if by_users else most
    chosen = np.sort(np.argsort(-popularity, kind="stable")[:limited])
    chosen = chosen[popularity[chosen] > 0]
    if not len(chosen):
        return csr_array((binary.shape[1], binary.shape[1]), dtype=np.float32)
    matrix = csr_array(binary[users][:, chosen])
    rows, columns, data = _strongest(
        _blocks_by_users(matrix, l2) if by_users else _blocks_by_products(matrix, l2), limit
    )
    shape = (binary.shape[1], binary.shape[1])
    weights = csr_array((data, (chosen[rows], chosen[columns])), shape=shape)
    weights.eliminate_zeros()
    return weights


def ease_weights(matrix: csr_array, l2: float, dtype: type[Float]) -> NDArray[Float]:
    """All weights, dense, shape (products, products), in the memory of one such matrix.

    With P = (XᵀX + l2 · I)⁻¹, found by Cholesky, row h and column p is −P[h, p] / P[p, p]; the
    diagonal is 0.

    Raises:
        LinAlgError: beside entries this large, l2 is lost to the rounding of the dtype.
    """
    weights = _inverse(np.asarray((matrix.T @ matrix).toarray(order="F"), dtype), l2)
    diagonal = np.diag_indices_from(weights)
    weights /= -weights[diagonal]
    weights[diagonal] = 0.0
    return weights


def _inverse(gramian: NDArray[Float], l2: float) -> NDArray[Float]:
    """Of the Gramian with l2 added to its diagonal, by Cholesky, in its own memory.

    Args:
        gramian: symmetric, by columns.
    """
    gramian[np.diag_indices_from(gramian)] += gramian.dtype.type(l2)
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (gramian,))
    factor, is_indefinite = factorise(gramian, lower=True, overwrite_a=True)
    inverse, is_singular = invert(factor, lower=True, overwrite_c=True)
    if is_indefinite or is_singular:
        raise np.linalg.LinAlgError(f"The Gramian with {l2:g} on its diagonal has no inverse.")
    # LAPACK fills one triangle, by columns; its transpose is by rows, and the other is mirrored.
    whole: NDArray[Float] = inverse.T
    for place in range(len(whole)):
        whole[place + 1 :, place] = whole[place, place + 1 :]
    return whole


def _blocks_by_products(matrix: csr_array, l2: float) -> Iterator[NDArray[np.floating]]:
    """The weights, some rows at a time."""
    weights = ease_weights(matrix, l2, _precision(matrix.shape[1]))
    yield from (weights[start : start + _ROWS] for start in range(0, len(weights), _ROWS))


def _blocks_by_users(matrix: csr_array, l2: float) -> Iterator[NDArray[np.floating]]:
    """The same by the inverse of the users' Gramian."""
    gramian = (matrix @ matrix.T).toarray(order="F").astype(_precision(matrix.shape[0]))
    inverse = _inverse(gramian, l2).astype(np.float32, copy=False)
    transposed = csr_array(matrix.T)
    parts = [transposed[start : start + _ROWS] for start in range(0, transposed.shape[0], _ROWS)]
    # Each half twice: all of them are as large as products × users.
    diagonal = np.concatenate([part.multiply(part @ inverse).sum(axis=1) for part in parts])
    left = np.maximum(1.0 - diagonal, np.finfo(np.float32).eps).astype(np.float32)
    for number, part in enumerate(parts):
        block = np.ascontiguousarray((transposed @ (part @ inverse).T).T) / left
        places = np.arange(len(block))
        block[places, number * _ROWS + places] = 0.0
        yield block


def _precision(side: int) -> type[np.floating]:
    return np.float64 if side <= _IN_DOUBLE else np.float32


def _strongest(
    blocks: Iterator[NDArray[np.floating]], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Rows, columns and values of the `limit` largest sizes of each row of the blocks."""
    kept_columns, kept = [], []
    for block in blocks:
        count = min(limit, block.shape[1])
        columns = np.argpartition(-np.abs(block), count - 1, axis=1)[:, :count]
        kept_columns.append(columns)
        kept.append(np.take_along_axis(block, columns, axis=1).astype(np.float32))
    columns, data = np.concatenate(kept_columns), np.concatenate(kept)
    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    return rows, columns.ravel(), data.ravel()
