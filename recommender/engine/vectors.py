"""The vectors of products, as a process remembers them: what a look-up would cost a page each."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender.spaces import partitions
from recommender.spaces.serving import ServingSpace

# Half of what a process may remember: what was wanted lately, and what was a while before.
_MOST_BYTES = 32 << 20
# What a row weighs beside its bytes: an object and an entry of a table.
_OVERHEAD = 130

# A row is of fixed length: the product's key, then the vector as halfvec_send() sends it.
_SENT = sql.SQL("""
(SELECT string_agg(int8send(v.product_id) || halfvec_send(v.embedding), '') FROM {vectors} v
 WHERE v.product_id = ANY({products}::bigint[]) AND v.embedding IS NOT NULL)
""")

_Rows = dict[int, bytes]
_Key = tuple[int, float | None]


class _Memory:
    """Rows by product, of each state that a space is in.

    In two generations: when the young one is full the old one is forgotten, and what is wanted of
    it until then is young again. That is nearly the least recently used, for far less work.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._young: dict[_Key, _Rows] = {}
        self._old: Mapping[_Key, _Rows] = {}
        self._bytes = 0

    def get(self, key: _Key, products: Sequence[int]) -> list[bytes | None]:
        with self._lock:
            young = self._young.get(key, {})
            old = self._old.get(key, {})
            again = {each: old[each] for each in products if each not in young and each in old}
            found = [
                row or again.get(each)
                for each, row in zip(products, map(young.get, products), strict=True)
            ]
            if again:
                self._put(key, again)
            return found

    def put(self, key: _Key, rows: Mapping[int, bytes]) -> None:
        with self._lock:
            self._put(key, rows)

    def _put(self, key: _Key, rows: Mapping[int, bytes]) -> None:
        self._young.setdefault(key, {}).update(rows)
        self._bytes += sum(len(row) + _OVERHEAD for row in rows.values())
        if self._bytes > _MOST_BYTES:
            self._old, self._young, self._bytes = self._young, {}, 0


_memory = _Memory()


def remembered(space: ServingSpace, products: Sequence[int]) -> list[bytes | None]:
    """The rows of these products, as the space is now; None for one to be sent."""
    if space.embedded_at is None:  # nothing would say that a vector has changed
        return [None for _ in products]
    return _memory.get((space.pk, space.embedded_at), products)


def select(space: ServingSpace, products: sql.Composable) -> sql.Composed:
    """The SQL that sends rows: one bytea, of an array's products with a vector."""
    return _SENT.format(vectors=partitions.product_vectors(space.pk), products=products)


def remember(space: ServingSpace, products: Sequence[int], sent: bytes | None) -> dict[int, bytes]:
    """The rows of the products that were asked for; one without a vector has zeros."""
    size = _dtype(space).itemsize
    rows = dict.fromkeys(products, bytes(size))
    sent = sent or b""
    keys = np.frombuffer(sent, _dtype(space))["product"].tolist()
    rows |= {key: sent[at * size : (at + 1) * size] for at, key in enumerate(keys)}
    if space.embedded_at is not None:
        _memory.put((space.pk, space.embedded_at), rows)
    return rows


def numbers(space: ServingSpace, rows: Iterable[bytes]) -> NDArray[np.float32]:
    """The vectors in these rows, shape (rows, dimension)."""
    return np.frombuffer(b"".join(rows), _dtype(space))["vector"].astype(np.float32)


def halves(sent: bytes | None, dimension: int) -> NDArray[np.float32]:
    """What halfvec_send() sent, shape (dimension,); zeros for NULL."""
    if sent is None:
        return np.zeros(dimension, dtype=np.float32)
    return np.frombuffer(sent, ">f2", offset=4).astype(np.float32)


def _dtype(space: ServingSpace) -> np.dtype[np.void]:
    # Before its numbers a vector has its length and a reserved word.
    fields = [("product", ">i8"), ("head", ">i4"), ("vector", ">f2", (space.dimension,))]
    return np.dtype(fields)
