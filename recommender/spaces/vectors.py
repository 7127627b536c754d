"""Vectors between numpy and PostgreSQL, in the binary form in which pgvector sends them."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from embeddings.types import SparseVector
from recommender import database
from recommender.spaces import partitions

# halfvec: two int16 (dimension, unused), then float16. All numbers are big-endian.
_HEADER = 4
# The largest that sparsevec has: one for all models, so that any two vectors compare.
SPARSE_DIMENSION = 1_000_000_000


def load(
    space_id: int, product_ids: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids, ascending, shape (n,), and vectors, shape (n, dimension), of products that have one.

    As they are stored: of unit length, but in a space of inner products.
    """
    query = sql.SQL(
        "SELECT product_id, halfvec_send(embedding) FROM {} "
        "WHERE product_id = ANY(%s) AND embedding IS NOT NULL"
    ).format(partitions.product_vectors(space_id))
    rows = sorted(database.fetch(query, (list(product_ids),)), key=itemgetter(0))
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    if not rows:
        return ids, np.zeros((0, 0), dtype=np.float32)
    width = len(rows[0][1])
    raw = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.uint8).reshape(-1, width)
    halves = np.ascontiguousarray(raw[:, _HEADER:]).view(">f2")
    return ids, halves.astype(np.float32)


def halfvecs(vectors: Sequence[NDArray[np.float32]]) -> list[bytes]:
    """Vectors of one dimension as PostgreSQL receives them in a binary COPY."""
    if not vectors:
        return []
    matrix = np.stack(vectors)
    header = np.array([matrix.shape[1], 0], ">i2").tobytes()
    width = 2 * matrix.shape[1]
    halves = matrix.astype(">f2").tobytes()
    return [header + halves[at : at + width] for at in range(0, len(halves), width)]


def sparsevec(vector: SparseVector) -> bytes:
    """A sparse vector as PostgreSQL receives it in a binary COPY.

    Three int32 (dimension, count, unused), then the indices, from 0 here though from 1 in its
    text form, then the values. pgvector refuses a value of zero: those are left out.
    """
    values = np.array(vector.values, ">f4")
    indices = np.array(vector.indices, ">i4")[values != 0]
    values = values[values != 0]
    header = np.array([SPARSE_DIMENSION, len(values), 0], ">i4")
    return b"".join((header.tobytes(), indices.tobytes(), values.tobytes()))
