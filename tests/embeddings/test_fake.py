import numpy as np
import pytest

from embeddings.errors import Misconfigured
from embeddings.fake import FakeEmbedder
from embeddings.types import Input, Role


def vectors(embedder: FakeEmbedder, *texts: str) -> np.ndarray:
    return embedder.embed([Input(text=text) for text in texts], Role.DOCUMENT).vectors


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


@pytest.mark.parametrize("dimension", [1, 2, 2048])
def test_any_dimension_will_do(dimension: int) -> None:
    found = vectors(FakeEmbedder(dimension), "mug", "cup", "mug cup mug cup")

    assert found.shape == (3, dimension)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_no_dimensions_at_all_are_refused() -> None:
    with pytest.raises(Misconfigured, match="use 1 or more"):
        FakeEmbedder(0)
