"""The partitions that hold a space's vectors, and vectors as PostgreSQL sends and receives them.

Queries name a partition directly: nothing to prune. A SELECT that names one locks nothing but it;
who writes into one locks its parent too, in the weakest way, until it commits. So neither making
nor dropping a partition may wait for long with a strong lock on a parent asked for: all that write
would queue up behind.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar
from uuid import UUID

import numpy as np
import psycopg
from django.db import OperationalError, transaction
from numpy.typing import NDArray
from psycopg import sql

from embeddings.types import SparseVector
from recommender import arrays, database
from recommender.models import Space


class SpaceError(Exception):
    """A space cannot do what was asked of it; the message says why, and what to do."""


T = TypeVar("T")

# Below PostgreSQL's deadlock_timeout of a second: of two in a deadlock this one gives way, and
# no answer or worker is made to fail.
_SHORT = "SET LOCAL lock_timeout = '500ms'"
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 30.0


def product_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's product vectors."""
    return sql.Identifier(f"recommender_productvector_{space_id}")


def profile_vectors(space_id: int) -> sql.Identifier:
    """The table of a space's profile vectors."""
    return sql.Identifier(f"recommender_profilevector_{space_id}")


def create(space_id: int) -> None:
    """Make both partitions of a new space, beside whoever reads and writes others.

    CREATE TABLE … PARTITION OF would lock the parent against all of them; attaching does not.
    """
    for parent, partition in (
        ("recommender_productvector", product_vectors(space_id)),
        ("recommender_profilevector", profile_vectors(space_id)),
    ):
        names = {"parent": sql.Identifier(parent), "partition": partition}
        database.execute(
            sql.SQL("CREATE TABLE {partition} (LIKE {parent} INCLUDING STORAGE)").format(**names)
        )
        database.execute(
            sql.SQL(
                "ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES IN ({id})"
            ).format(**names, id=sql.Literal(space_id))
        )


def drop(space_id: int) -> None:
    """Drop both partitions of a space, where they are, and all that is in them, at once.

    Their parents stay locked until the transaction ends: call it late, in
    `locks.retry_on_lock_timeout`.
    """
    if not size(space_id):
        return
    names = sql.SQL(", ").join((product_vectors(space_id), profile_vectors(space_id)))
    # Before their parents, which dropping locks first: who writes locks in this order.
    database.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
    database.execute(sql.SQL("DROP TABLE {}").format(names))


def size(space_id: int) -> int:
    """Bytes on disk of a space's vectors, profiles and indexes; 0 where it has no partitions."""
    query = """
        SELECT COALESCE(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint
        FROM unnest(%s::text[]) AS partition(name)
    """
    names = [f"recommender_{kind}vector_{space_id}" for kind in ("product", "profile")]
    return int(database.fetch(query, (names,))[0][0])


_COLUMNS = ("int8", "bytea", "bytea", "uuid", "text")
_STAGE = """
CREATE TEMPORARY TABLE staged_vectors (product_id bigint, embedding halfvec STORAGE PLAIN,
    sparse sparsevec, content_hash uuid, treatment text) ON COMMIT DROP
"""
_UPSERT = sql.SQL("""
INSERT INTO {vectors} AS v
    (space_id, product_id, embedding, sparse, content_hash, treatment, embedded_at)
SELECT {space}, p.id, s.embedding, s.sparse, COALESCE(s.content_hash, p.content_hash),
    s.treatment, now()
FROM staged_vectors s JOIN recommender_product p ON p.id = s.product_id AND p.catalog_id = {catalog}
ORDER BY p.id
ON CONFLICT (space_id, product_id) DO UPDATE SET embedding = excluded.embedding,
    sparse = excluded.sparse, content_hash = excluded.content_hash,
    treatment = excluded.treatment, embedded_at = excluded.embedded_at
WHERE {replaces}
""")
# Which of the vectors that are there a new one replaces: that of other content, or of its kind.
OTHER_CONTENT = sql.SQL("v.content_hash <> excluded.content_hash")
SAME_TREATMENT = sql.SQL("v.treatment = excluded.treatment")


@dataclass(frozen=True, slots=True)
class VectorRow:
    """What a space holds of a product: `vector` has shape (dimension,).

    Without a hash it is of the product's present content; without either vector the product is
    done with and has none.
    """

    product_id: int
    content_hash: UUID | None
    vector: NDArray[np.float32] | None
    sparse: SparseVector | None = None
    treatment: str | None = None


def upsert_vectors(space: Space, rows: Sequence[VectorRow], replaces: sql.SQL) -> None:
    """Write vectors, within the caller's transaction; of products that are gone, none.

    Args:
        replaces: OTHER_CONTENT or SAME_TREATMENT.
    """
    database.execute(_STAGE)
    packed = iter(halfvecs([row.vector for row in rows if row.vector is not None]))
    with database.copy("COPY staged_vectors FROM STDIN (FORMAT binary)") as stream:
        stream.set_types(_COLUMNS)
        for row in rows:
            vector = None if row.vector is None else next(packed)
            sparse = None if row.sparse is None else sparsevec(row.sparse)
            stream.write_row((row.product_id, vector, sparse, row.content_hash, row.treatment))
    database.execute(
        _UPSERT.format(
            vectors=product_vectors(space.pk),
            space=sql.Literal(space.pk),
            catalog=sql.Literal(space.catalog_id),
            replaces=replaces,
        )
    )
    database.execute("DROP TABLE staged_vectors")


def load_vectors(
    space_id: int, product_ids: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids, ascending, shape (n,), and vectors, shape (n, dimension), of products that have one.

    As they are stored: of unit length, but in a space of inner products.
    """
    query = sql.SQL(
        "SELECT product_id, halfvec_send(embedding) FROM {} "
        "WHERE product_id = ANY(%s) AND embedding IS NOT NULL"
    ).format(product_vectors(space_id))
    rows = sorted(database.fetch(query, (list(product_ids),)), key=itemgetter(0))
    ids = np.array([product for product, _ in rows], dtype=np.int64)
    if not rows:
        return ids, np.zeros((0, 0), dtype=np.float32)
    dimension = (len(rows[0][1]) - halfvec_type(0).itemsize) // 2
    return ids, halfvec_rows([sent for _, sent in rows], dimension)


def halfvec_type(dimension: int) -> np.dtype[np.void]:
    """What halfvec_send() sends: dimension and a reserved word, then the numbers, big-endian."""
    return np.dtype([("head", ">i2", (2,)), ("vector", ">f2", (dimension,))])


def halfvec_rows(sent: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Vectors as halfvec_send() sent them, shape (vectors, dimension)."""
    rows = np.frombuffer(b"".join(sent), halfvec_type(dimension))["vector"]
    return arrays.widened(rows.astype(np.float16))


def halfvecs(vectors: Sequence[NDArray[np.float32]]) -> list[bytes]:
    """Vectors of one dimension as PostgreSQL receives them in a binary COPY."""
    if not vectors:
        return []
    matrix = np.stack(vectors)
    header = np.array([matrix.shape[1], 0], ">i2").tobytes()
    width = 2 * matrix.shape[1]
    halves = matrix.astype(">f2").tobytes()
    return [header + halves[at : at + width] for at in range(0, len(halves), width)]


# The largest that sparsevec has: one for all models, so that any two vectors compare.
SPARSE_DIMENSION = 1_000_000_000


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


def retry_on_lock_timeout(work: Callable[[], T], timeout: float = _TIMEOUT_SECONDS) -> T:
    """What `work` returns, in a transaction that waits half a second at most for any lock.

    If a lock is not free, the transaction is rolled back, which lets those behind it in the queue
    pass, and tried again.

    Raises:
        SpaceError: the tables were in use all the time.
    """
    until = time.monotonic() + timeout
    while True:
        try:
            with transaction.atomic():
                database.execute(_SHORT)
                done = work()
                database.execute("SET LOCAL lock_timeout TO DEFAULT")
                return done
        except OperationalError as exc:
            if not isinstance(exc.__cause__, psycopg.errors.LockNotAvailable):
                raise
            if time.monotonic() >= until:
                raise SpaceError(
                    "The space's tables are in use: a long transaction holds them, such as a "
                    "backup or the building of an index. Try again when it has ended."
                ) from exc
        time.sleep(_PAUSE_SECONDS)
