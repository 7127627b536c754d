import numpy as np
import pytest

from embeddings.errors import Rejected
from embeddings.types import Embeddings, Input, Modality, Output, SparseVector, Usage


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u00a0\u3000"])
def test_a_blank_text_is_rejected_before_it_can_spoil_a_batch(text: str) -> None:
    with pytest.raises(Rejected, match="leave the row out"):
        Input(text=text)


def test_a_picture_or_a_video_needs_no_text() -> None:
    assert Input(images=("http://a/b.png",)).modalities == {Modality.IMAGE}
    assert Input(text=" ", video="http://a/b.mp4").modalities == {Modality.VIDEO}
    assert Input(text="mug", images=("http://a/b.png",), video="http://a/b.mp4").modalities == set(
        Modality
    )


def test_a_text_that_is_no_valid_unicode_is_rejected() -> None:
    with pytest.raises(Rejected, match="surrogates not allowed"):
        Input(text="half an emoji: \ud83c")


@pytest.mark.parametrize(
    ("output", "is_dense", "is_sparse"),
    [(Output.DENSE, True, False), (Output.SPARSE, False, True), (Output.BOTH, True, True)],
)
def test_an_output_says_what_it_holds(output: Output, is_dense: bool, is_sparse: bool) -> None:
    assert (output.is_dense, output.is_sparse) == (is_dense, is_sparse)


def test_vectors_are_scaled_to_length_one() -> None:
    embeddings = Embeddings.normalised(np.array([[3.0, 4.0], [0.0, -0.5]]), Usage(2))

    np.testing.assert_allclose(embeddings.vectors, [[0.6, 0.8], [0, -1]], atol=1e-6)
    assert embeddings.vectors.dtype == np.float32


@pytest.mark.parametrize("bad", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_vector_that_points_nowhere_is_rejected_with_its_row(bad: list[float]) -> None:
    with pytest.raises(Rejected, match="row 1"):
        Embeddings.normalised(np.array([[1.0, 0.0], bad]), Usage(2))


def test_without_dense_vectors_there_is_nothing_to_scale() -> None:
    sparse = (SparseVector((3,), (0.5,), ("mug",)),)

    embeddings = Embeddings.normalised(np.empty((1, 0)), Usage(1), sparse)

    assert (embeddings.vectors.shape, embeddings.sparse) == ((1, 0), sparse)
