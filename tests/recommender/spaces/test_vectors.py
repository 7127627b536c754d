import numpy as np
import pytest

from embeddings.types import SparseVector
from recommender import database
from recommender.models import ProductVector
from recommender.spaces import embedding, vectors
from recommender.spaces.embedding import Embedded
from recommender.spaces.vectors import SPARSE_DIMENSION, halfvecs, sparsevec
from tests.shop import Shop


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

    ids, matrix = vectors.load(shop.space.pk, list(written))

    assert set(ids.tolist()) == set(written)
    assert matrix.dtype == np.float32
    for pk, row in zip(ids.tolist(), matrix, strict=True):
        np.testing.assert_array_equal(row, written[pk].astype(np.float16).astype(np.float32))


def test_products_without_a_vector_are_left_out(shop: Shop) -> None:
    shop.stock(mug="Blue mug", blank="")
    shop.embed()
    shop.stock(late="Desk lamp")
    every = [shop.product(key).pk for key in ("mug", "blank", "late")]

    ids, matrix = vectors.load(shop.space.pk, every)

    assert ids.tolist() == [every[0]]
    assert matrix.shape == (1, shop.space.dimension)


def test_no_vectors_are_an_empty_array(shop: Shop) -> None:
    ids, matrix = vectors.load(shop.space.pk, [])

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
