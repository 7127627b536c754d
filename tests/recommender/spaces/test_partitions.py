from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pytest
from django.db import connection, transaction
from psycopg import sql

from embeddings.types import SparseVector
from recommender import database
from recommender.models import ProductVector, Space
from recommender.spaces import embedding, index, partitions, staleness
from recommender.spaces.embedding import Embedded
from recommender.spaces.lifecycle import create_space, delete_space, retire
from recommender.spaces.partitions import (
    SPARSE_DIMENSION,
    SpaceError,
    halfvecs,
    load_vectors,
    retry_on_lock_timeout,
    sparsevec,
)
from tests.shop import Shop, numbered
from tests.threads import beside, overtaken, wait_until

_STORAGE = """
SELECT attname::text, attstorage::text FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY 1
"""


def held(shop: Shop) -> None:
    """What a worker and a request hold while they are at it: writing vectors, and reading them."""
    shop.stock(**numbered(3))
    shop.embed()
    index.vector_count(shop.space)


def test_a_partition_stores_its_columns_as_its_parent_does(shop: Shop) -> None:
    for kind in ("product", "profile"):
        parent = database.fetch(_STORAGE, (f"recommender_{kind}vector",))
        assert ("embedding", "p") in parent
        assert database.fetch(_STORAGE, (f"recommender_{kind}vector_{shop.space.pk}",)) == parent


def test_what_is_written_to_the_parent_lands_in_the_partition(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    database.execute(
        "INSERT INTO recommender_productvector (space_id, product_id, content_hash, embedded_at) "
        "SELECT %s, id, content_hash, now() FROM recommender_product",
        (shop.space.pk,),
    )

    rows = database.fetch(
        sql.SQL("SELECT count(*) FROM {}").format(partitions.product_vectors(shop.space.pk))
    )
    assert rows == [(1,)]


def test_a_space_is_made_beside_whoever_writes_vectors_of_another(committed_shop: Shop) -> None:
    made = beside(
        lambda: create_space(committed_shop.catalog, name="x", model="fake"),
        holding=lambda: held(committed_shop),
    )

    assert partitions.size(made.pk) > 0


def test_a_space_is_dropped_beside_whoever_reads_another(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(3))
    committed_shop.embed()
    other = create_space(committed_shop.catalog, name="x", model="fake")

    beside(lambda: delete_space(other), holding=lambda: index.vector_count(committed_shop.space))

    assert partitions.size(other.pk) == 0


def test_dropping_what_is_not_there_does_nothing(shop: Shop) -> None:
    space = create_space(shop.catalog, name="x", model="fake")
    partitions.drop(space.pk)

    with transaction.atomic():
        partitions.drop(space.pk)

    assert partitions.size(space.pk) == 0
    assert partitions.size(shop.space.pk) > 0


@pytest.mark.parametrize("which", [partitions.product_vectors, partitions.profile_vectors])
def test_the_size_counts_vectors_and_profiles(shop: Shop, which) -> None:
    before = partitions.size(shop.space.pk)
    name = which(shop.space.pk)
    database.execute(sql.SQL("CREATE INDEX ON {} (space_id)").format(name))

    assert partitions.size(shop.space.pk) > before


T = TypeVar("T")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def read(space: Space) -> None:
    """Hold a space's vectors as a search does."""
    index.vector_count(space)


def closing(work: Callable[[], T]) -> T:
    """What a thread's work returns, its connection closed."""
    try:
        return work()
    finally:
        connection.close()


def lock_timeout() -> str:
    return str(database.fetch("SHOW lock_timeout")[0][0])


def test_it_goes_on_when_the_lock_is_free(committed_shop: Shop) -> None:
    space = create_space(committed_shop.catalog, model="fake")

    assert overtaken(lambda: retire(space), holding=lambda: read(space)) > 0

    assert partitions.size(space.pk) == 0


def test_workers_go_on_while_it_waits_for_a_long_transaction(committed_shop: Shop) -> None:
    """Whoever asks for a lock after it queues behind it, but never for long."""
    space = create_space(committed_shop.catalog, model="fake")
    committed_shop.stock(**numbered(3))

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            # What a writer of any space holds of the parent until it commits.
            database.execute("LOCK TABLE recommender_productvector IN ACCESS SHARE MODE")
            retiring = pool.submit(closing, lambda: retire(space))
            wait_until(lambda: database.fetch(WAITING)[0][0] > 0)

            pool.submit(closing, committed_shop.embed).result(timeout=10)

            assert not retiring.done()
        assert retiring.result(timeout=10) > 0

    assert staleness.count(committed_shop.space) == 0


def test_it_gives_up_and_says_why(committed_shop: Shop) -> None:
    space = create_space(committed_shop.catalog, model="fake")

    def give_up() -> str:
        with pytest.raises(SpaceError) as raised:
            retry_on_lock_timeout(lambda: partitions.drop(space.pk), timeout=0.0)
        return str(raised.value)

    assert "in use" in beside(give_up, holding=lambda: read(space))
    assert partitions.size(space.pk) > 0


def test_the_rest_of_a_transaction_waits_as_long_as_before(shop: Shop) -> None:
    before = lock_timeout()

    assert retry_on_lock_timeout(lock_timeout) == "500ms"

    assert lock_timeout() == before


def test_what_is_loaded_is_what_was_written_to_half_precision(shop: Shop) -> None:
    shop.stock(a="A", b="B", c="C")
    random = np.random.default_rng(1)
    written = {}
    for key in "abc":
        vector = random.normal(size=shop.space.dimension).astype(np.float32)
        written[shop.product(key).pk] = vector / np.linalg.norm(vector)
    embedding.write(
        shop.space,
        [
            Embedded(pk, shop.product(key).content_hash, written[pk])
            for key, pk in zip("abc", written, strict=True)
        ],
    )

    ids, matrix = load_vectors(shop.space.pk, list(written))

    assert set(ids.tolist()) == set(written)
    assert matrix.dtype == np.float32
    for pk, row in zip(ids.tolist(), matrix, strict=True):
        np.testing.assert_array_equal(row, written[pk].astype(np.float16).astype(np.float32))


def test_products_without_a_vector_are_left_out(shop: Shop) -> None:
    shop.stock(mug="Blue mug", blank="")
    shop.embed()
    shop.stock(late="Desk lamp")
    every = [shop.product(key).pk for key in ("mug", "blank", "late")]

    ids, matrix = load_vectors(shop.space.pk, every)

    assert ids.tolist() == [every[0]]
    assert matrix.shape == (1, shop.space.dimension)


def test_no_vectors_are_an_empty_array(shop: Shop) -> None:
    ids, matrix = load_vectors(shop.space.pk, [])

    assert (ids.shape, matrix.shape[0]) == ((0,), 0)


def sparse_of(shop: Shop, vector: SparseVector) -> tuple[str, ProductVector]:
    """A sparse vector as PostgreSQL prints it after it was written, and as the ORM reads it."""
    shop.stock(mug="Blue mug")
    mug = shop.product("mug")
    embedding.write(shop.space, [Embedded(mug.pk, mug.content_hash, None, vector)])
    text = database.fetch("SELECT sparse::text FROM recommender_productvector")[0][0]
    return text, ProductVector.objects.get()


def test_a_sparse_vector_s_indices_are_from_1_in_text_and_from_0_elsewhere(shop: Shop) -> None:
    text, row = sparse_of(shop, SparseVector((0, 7, 248_319), (0.5, 0.25, 1.0)))

    assert text == "{1:0.5,8:0.25,248320:1}/1000000000"
    assert row.sparse is not None
    assert row.sparse.dimensions() == SPARSE_DIMENSION
    assert row.sparse.indices() == [0, 7, 248_319]
    assert row.sparse.values() == [0.5, 0.25, 1.0]


def test_the_largest_index_fits(shop: Shop) -> None:
    text, _ = sparse_of(shop, SparseVector((SPARSE_DIMENSION - 1,), (1.0,)))

    assert text == "{1000000000:1}/1000000000"


def test_weights_of_zero_are_left_out_and_a_vector_of_none_is_empty(shop: Shop) -> None:
    text, _ = sparse_of(shop, SparseVector((1, 2), (0.0, -0.0)))

    assert text == "{}/1000000000"
    assert sparsevec(SparseVector((1, 2, 3), (0.0, 2.0, 0.0))) == sparsevec(
        SparseVector((2,), (2.0,))
    )


@pytest.mark.parametrize("dimension", [1, 64, 2048])
def test_every_dimension_has_its_binary_form(db: None, dimension: int) -> None:
    vectors = list(np.linspace(-1, 1, 3 * dimension, dtype=np.float32).reshape(3, dimension))

    for vector, sent in zip(vectors, halfvecs(vectors), strict=True):
        ((theirs,),) = database.fetch("SELECT halfvec_send(%s::real[]::halfvec)", (list(vector),))
        assert sent == bytes(theirs)


def test_no_vectors_have_no_binary_form() -> None:
    assert halfvecs([]) == []
