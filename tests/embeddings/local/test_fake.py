import numpy as np
import pytest

from embeddings.errors import Misconfigured
from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Output, Role


def vectors(embedder: FakeEmbedder, *texts: str, role: Role = Role.DOCUMENT) -> np.ndarray:
    return embedder.embed([Input(text=text) for text in texts], role).vectors


def test_texts_that_share_words_are_closer_than_texts_that_do_not() -> None:
    mug, other_mug, drill = vectors(
        FakeEmbedder(), "Blue stoneware mug", "Red stoneware mug", "Cordless hammer drill"
    )

    assert mug @ other_mug > mug @ drill + 0.3


def test_forms_of_a_word_are_close_and_case_does_not_count() -> None:
    mug, mugs, capitals, drill = vectors(FakeEmbedder(256), "mug", "mugs", "MUG", "drill")

    assert mug @ mugs > mug @ drill + 0.3
    assert mug @ capitals > 0.9


def test_a_vector_is_the_same_on_every_machine() -> None:
    expected = np.array([-1, 0, 0, 0, 0, -2, 0, -2]) / 3

    np.testing.assert_allclose(vectors(FakeEmbedder(8), "mug")[0], expected, atol=1e-5)


@pytest.mark.parametrize("dimension", [1, 2, 1024, 2048])
def test_any_dimension_will_do(dimension: int) -> None:
    matrix = vectors(FakeEmbedder(dimension), "mug", "cup", "mug cup mug cup")

    assert matrix.shape == (3, dimension)
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)


def test_no_dimensions_at_all_are_refused() -> None:
    with pytest.raises(Misconfigured, match="use one of: 1 or more"):
        FakeEmbedder(0)


def test_a_picture_is_known_again_by_its_address_alone_or_with_a_text() -> None:
    rows = [
        Input(images=("http://a/mug.png",)),
        Input(images=("http://a/rug.png",)),
        Input(text="mug", images=("http://a/mug.png",)),
        Input(video="http://a/mug.png"),
    ]

    mug, rug, captioned, video = FakeEmbedder(1024).embed(rows, Role.DOCUMENT).vectors

    assert mug @ captioned > mug @ rug + 0.1
    np.testing.assert_array_equal(video, mug)


def test_pictures_are_counted_in_the_usage() -> None:
    rows = [Input(images=("http://a/1.png", "http://a/2.png")), Input(text="red mug")]

    embeddings = FakeEmbedder().embed(rows, Role.DOCUMENT)

    assert (embeddings.usage.tokens, embeddings.usage.details) == (2, {"image_count": 2})


def test_an_instruction_turns_queries_a_little() -> None:
    plain, told = FakeEmbedder(1024), FakeEmbedder(1024, instruction="Find a gift")

    before, after = (vectors(embedder, "red mug", role=Role.QUERY)[0] for embedder in (plain, told))

    assert 0.9 < before @ after < 0.9999


def test_sparse_vectors_weigh_the_words_and_name_them() -> None:
    both = FakeEmbedder(8, output=Output.BOTH).embed([Input(text="Mug, cup and MUG")], Role.QUERY)

    (sparse,) = both.sparse
    weights = dict(zip(sparse.tokens, sparse.values, strict=True))
    assert weights == {"mug": 1.0, "cup": 0.5, "and": 0.5}
    assert sorted(sparse.indices) == list(sparse.indices)
    assert both.vectors.shape == (1, 8)


def test_the_same_word_has_the_same_place_in_every_sparse_vector() -> None:
    rows = [Input(text="red mug"), Input(text="mug")]

    red, mug = FakeEmbedder(output=Output.SPARSE).embed(rows, Role.QUERY).sparse

    assert set(mug.indices) < set(red.indices)
