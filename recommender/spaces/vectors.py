"""Reading product vectors out of PostgreSQL into numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.spaces import partitions

# The wire format of halfvec: two int16 (dimension, unused), then big-endian float16.
_HEADER = 4


def load(
    space_id: int, product_ids: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids, shape (n,), and unit vectors, shape (n, dimension), of the products that have one."""
    query = sql.SQL(
        "SELECT product_id, halfvec_send(embedding) FROM {} "
        "WHERE product_id = ANY(%s) AND embedding IS NOT NULL"
    ).format(partitions.product_vectors(space_id))
    rows = database.fetch(query, (list(product_ids),))
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    if not rows:
        return ids, np.zeros((0, 0), dtype=np.float32)
    width = len(rows[0][1])
    raw = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.uint8).reshape(-1, width)
    halves = np.ascontiguousarray(raw[:, _HEADER:]).view(">f2")
    return ids, halves.astype(np.float32)
