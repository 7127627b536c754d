import numpy as np

from recommender.spaces import embedding, vectors
from recommender.spaces.embedding import Embedded
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
