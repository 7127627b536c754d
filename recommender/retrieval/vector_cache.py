"""The vectors of products, as a process remembers them: what a look-up would cost a page each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.spaces import partitions
from recommender.spaces.switching import ServingSpace

# Half of what a process may remember: what was wanted lately, and what was a while before.
_MOST_BYTES = 128 << 20
# What a vector weighs beside its numbers: an entry of a table.
_OVERHEAD = 100
_FIRST_ROWS = 1024

# A row is of fixed length: the product's key, then the vector as halfvec_send() sends it.
_SENT = sql.SQL("""
(SELECT string_agg(int8send(v.product_id) || halfvec_send(v.embedding), '') FROM {vectors} v
 WHERE v.product_id = ANY({products}::bigint[]) AND v.embedding IS NOT NULL)
""")

_Key = tuple[int, float | None]
_Halves = NDArray[np.float16]


@dataclass(slots=True)
class _Block:
    """Vectors of a space, in half precision as they are stored."""

    vectors: _Halves  # shape (capacity, dimension)
    slots: dict[int, int] = field(default_factory=dict)  # row by product's key

    def find(self, products: Sequence[int]) -> NDArray[np.int64]:
        """The row of each product, −1 where there is none."""
        rows = map(self.slots.get, products, repeat(-1))
        return np.fromiter(rows, dtype=np.int64, count=len(products))

    def put(self, products: Sequence[int], vectors: _Halves) -> None:
        """Add rows, of products that may be there by now.

        Who reads goes on reading the rows there were: they are never written again.
        """
        added = [at for at, product in enumerate(products) if product not in self.slots]
        start, end = len(self.slots), len(self.slots) + len(added)
        if end > len(self.vectors):
            grown = np.empty((max(end, 2 * len(self.vectors)), vectors.shape[1]), dtype=np.float16)
            grown[:start] = self.vectors[:start]
            self.vectors = grown
        self.vectors[start:end] = vectors[added]
        self.slots.update(zip([products[at] for at in added], range(start, end), strict=True))

    def bytes(self) -> int:
        return len(self.slots) * (self.vectors[:1].nbytes + _OVERHEAD)


class _Memory:
    """Vectors by product, of each state that a space is in.

    In two generations: when the young one is full the old one is forgotten, and what is wanted of
    it until then is young again. That is nearly the least recently used, for far less work.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._young: dict[_Key, _Block] = {}
        self._old: dict[_Key, _Block] = {}

    def get(self, key: _Key, products: Sequence[int]) -> tuple[NDArray[np.int64], _Halves | None]:
        """The row of each product, −1 where it is not remembered, and the vectors by row."""
        with self._lock:
            old = self._old.get(key)
            if old is not None:
                self._renew(key, old, products)
            block = self._young.get(key) or self._old.get(key)
            if block is None:
                return np.full(len(products), -1), None
            return block.find(products), block.vectors

    def put(self, key: _Key, products: Sequence[int], vectors: _Halves) -> None:
        with self._lock:
            self._put(key, products, vectors)

    def _renew(self, key: _Key, old: _Block, products: Sequence[int]) -> None:
        young = self._young.get(key)
        known = young.slots.keys() if young is not None else ()
        again = [product for product in products if product in old.slots and product not in known]
        if again:
            self._put(key, again, old.vectors[old.find(again)])

    def _put(self, key: _Key, products: Sequence[int], vectors: _Halves) -> None:
        if key not in self._young:
            space, _ = key
            # Nobody will ask again for a state that the space is no longer in.
            self._young = {other: self._young[other] for other in self._young if other[0] != space}
            empty = np.empty((_FIRST_ROWS, vectors.shape[1]), dtype=np.float16)
            self._young[key] = _Block(empty)
        self._young[key].put(products, vectors)
        if sum(block.bytes() for block in self._young.values()) > _MOST_BYTES:
            self._old, self._young = self._young, {}


_memory = _Memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Of some products of a space, which vectors are remembered and which have to be sent."""

    space: ServingSpace
    products: Sequence[int]
    rows: NDArray[np.int64]  # −1 for one to be sent, shape (products,)
    vectors: _Halves | None  # by row

    @property
    def missing(self) -> list[int]:
        """Keys of the products whose vectors are to be sent."""
        return [self.products[at] for at in np.flatnonzero(self.rows < 0).tolist()]

    def complete(self, sent: bytes | None) -> _Halves:
        """All the vectors, of those missing as `select` sends them; shape (products, dimension).

        One without a vector has zeros. What was sent is remembered.
        """
        size = len(self.products), self.space.dimension
        missing = np.flatnonzero(self.rows < 0)
        vectors = np.zeros(size, np.float16) if self.vectors is None else self.vectors[self.rows]
        if len(missing):
            vectors[missing] = 0
            rows = np.frombuffer(sent or b"", _dtype(self.space))
            places = {self.products[at]: at for at in missing.tolist()}
            vectors[[places[key] for key in rows["product"].tolist()]] = rows["halfvec"]["vector"]
            if self.space.embedded_at is not None:
                _memory.put(_key(self.space), list(places), vectors[missing])
        return vectors


def known(space: ServingSpace, products: Sequence[int]) -> Known:
    """What is remembered of these products, as the space is now."""
    if space.embedded_at is None:  # nothing would say that a vector has changed
        rows, vectors = np.full(len(products), -1), None
    else:
        rows, vectors = _memory.get(_key(space), products)
    return Known(space=space, products=products, rows=rows, vectors=vectors)


def select(space: ServingSpace, products: sql.Composable) -> sql.Composed:
    """The SQL that sends rows: one bytea, of an array's products with a vector."""
    return _SENT.format(vectors=partitions.product_vectors(space.pk), products=products)


def _key(space: ServingSpace) -> _Key:
    return space.pk, space.embedded_at


def _dtype(space: ServingSpace) -> np.dtype[np.void]:
    return np.dtype([("product", ">i8"), ("halfvec", partitions.halfvec_type(space.dimension))])


def unit_vectors(space: ServingSpace, keys: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors of products by key, of length one.

    Returns:
        Shape (products, dimension), zeros for a product without a vector.
    """
    remembered = known(space, keys.tolist())
    sent = None
    if remembered.missing:
        query = sql.SQL("SELECT {}").format(select(space, sql.Placeholder("missing")))
        missing = {"missing": database.array_text(remembered.missing)}
        sent = database.fetch(query, missing)[0][0]
    vectors = arrays.widened(remembered.complete(sent))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    return vectors
