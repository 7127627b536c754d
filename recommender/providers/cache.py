"""What hosted models gave, kept so that nothing is paid for twice.

An entry belongs to no catalog: it is found by what the vector depends on. While an input is
being asked for, its entry is held: who else wants it waits for the answer instead of paying too.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import numpy as np
import orjson
from django.conf import settings

from embeddings.base import Embedder
from embeddings.calls.outcome import EmbeddedRow
from embeddings.spec import ModelSpec
from embeddings.types import Input, Output, Role, SparseVector
from recommender import database
from recommender.providers import ledger

_PRUNE_BATCH = 5_000

_LOOKUP = """
    SELECT digest, vector, sparse, tokens, used_on < %s AS is_unmarked
    FROM recommender_cachedembedding
    WHERE digest = ANY(%b::bytea[])
"""
# Who finds an entry locked leaves it to the other, who marks it or removes it.
_TOUCH = """
    UPDATE recommender_cachedembedding c SET used_on = %s FROM (
        SELECT digest FROM recommender_cachedembedding WHERE digest = ANY(%b::bytea[])
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS found WHERE c.digest = found.digest
"""
_STORE = """
    INSERT INTO recommender_cachedembedding (digest, model, vector, sparse, tokens, used_on)
    SELECT digest, %s, vector, sparse, tokens, %s
    FROM unnest(%b::bytea[], %b::bytea[], %b::bytea[], %b::int[])
        AS made (digest, vector, sparse, tokens)
    ORDER BY digest ON CONFLICT (digest) DO NOTHING
"""
_HOLD = "SELECT key FROM unnest(%s::bigint[]) AS key WHERE pg_try_advisory_lock(key)"
_LET_GO = "SELECT pg_advisory_unlock(key) FROM unnest(%s::bigint[]) AS key"
_PRUNE = """
    DELETE FROM recommender_cachedembedding WHERE digest IN (
        SELECT digest FROM recommender_cachedembedding WHERE used_on < %s
        LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What a vector depends on beside its input.

    The provider and the model's key stand for the model: one model behind two protocols has two
    entries, as only one of the protocols may tell it the role.
    """

    spec: ModelSpec
    output: Output
    instruction: str
    role: Role

    @classmethod
    def of(cls, embedder: Embedder, role: Role) -> Self:
        """The cache_key of what an embedder makes."""
        return cls(embedder.spec, embedder.output, embedder.instruction, role)

    def digest(self, source: Input) -> bytes:
        """What an input's entry is found by, 32 bytes.

        A picture given as bytes counts by its bytes, one given by address by its address.
        """
        model = (self.spec.provider, self.spec.key, str(self.spec.dimension))
        content = (source.text, source.video, *source.images)
        sha = hashlib.sha256()
        for part in (*model, self.output, self.role, self.instruction, *content):
            encoded = part.encode()
            sha.update(len(encoded).to_bytes(8, "big"))
            sha.update(encoded)
        return sha.digest()


def lookup(digests: Collection[bytes]) -> dict[bytes, EmbeddedRow]:
    """What is kept of these, by digest, and marked as used today."""
    if not digests:
        return {}
    today = ledger.today()
    rows = database.fetch_named(_LOOKUP, (today, list(digests)))
    if unmarked := [row.digest for row in rows if row.is_unmarked]:
        database.execute(_TOUCH, (today, unmarked))
    return {row.digest: _embedded_row(row.vector, row.sparse, row.tokens) for row in rows}


def kept(digests: Collection[bytes]) -> set[bytes]:
    """Which of these are kept; marks nothing."""
    query = "SELECT digest FROM recommender_cachedembedding WHERE digest = ANY(%b::bytea[])"
    return {row[0] for row in database.fetch(query, (list(digests),))}


def store(model: str, made: Mapping[bytes, EmbeddedRow]) -> None:
    """Keep vectors by their digests; what is kept already stays."""
    rows = [(key, _vector_bytes(row), _sparse_bytes(row), row.tokens) for key, row in made.items()]
    database.execute(_STORE, (model, ledger.today(), *map(list, zip(*rows, strict=True))))


@contextmanager
def held(digests: Collection[bytes]) -> Iterator[set[bytes]]:
    """Hold those of these entries that no other connection holds: the ones given.

    Not in a transaction: an advisory lock of the session ends with the block, or with its
    connection where the worker dies. A connection that ends within the block loses the locks,
    and a second worker may then buy the same vectors: they cost twice, and `store` keeps one.
    """
    keys = {int.from_bytes(key[:8], "big", signed=True): key for key in digests}
    locked = set(keys)
    try:
        locked = {row[0] for row in database.fetch(_HOLD, (list(keys),))}
        yield {keys[key] for key in locked}
    finally:
        if locked:
            database.fetch(_LET_GO, (list(locked),))


def prune() -> int:
    """Remove what was not used for settings.CACHE_DAYS, in batches; how many entries."""
    before = ledger.today() - timedelta(days=settings.CACHE_DAYS)
    removed = 0
    while batch := database.execute(_PRUNE, (before, _PRUNE_BATCH)):
        removed += batch
    return removed


def _embedded_row(vector: bytes | None, sparse: bytes | None, tokens: int) -> EmbeddedRow:
    return EmbeddedRow(
        None if vector is None else np.frombuffer(vector, "<f4"),
        None if sparse is None else _sparse_vector(orjson.loads(sparse)),
        tokens,
    )


def _sparse_vector(parts: tuple[list[int], list[float], list[str]]) -> SparseVector:
    indices, values, tokens = parts
    return SparseVector(tuple(indices), tuple(values), tuple(tokens))


def _vector_bytes(made: EmbeddedRow) -> bytes | None:
    return None if made.vector is None else made.vector.astype("<f4").tobytes()


def _sparse_bytes(made: EmbeddedRow) -> bytes | None:
    sparse = made.sparse
    if sparse is None:
        return None
    return orjson.dumps((sparse.indices, sparse.values, sparse.tokens))
