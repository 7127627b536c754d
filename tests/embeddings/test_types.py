import numpy as np
import pytest

from embeddings.errors import Misconfigured, Rejected
from embeddings.types import Embeddings, Input, ModelSpec, Usage

SPEC = ModelSpec(key="m", dimension=256, dimensions=(256, 64), max_rows=10, max_tokens=100)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u00a0\u3000"])
def test_a_blank_text_is_rejected_before_it_can_spoil_a_batch(text: str) -> None:
    with pytest.raises(Rejected, match="leave the row out"):
        Input(text=text)


def test_a_text_that_is_no_valid_unicode_is_rejected() -> None:
    with pytest.raises(Rejected, match="surrogates not allowed"):
        Input(text="half an emoji: \ud83c")


def test_a_spec_changes_to_another_of_its_dimensions() -> None:
    assert SPEC.at(64).dimension == 64
    assert SPEC.at(None).dimension == 256


def test_a_dimension_the_model_does_not_give_is_refused_with_those_it_gives() -> None:
    with pytest.raises(Misconfigured, match="does not give 100 dimensions; use one of: 256, 64"):
        SPEC.at(100)


def test_vectors_are_scaled_to_length_one() -> None:
    found = Embeddings.normalised(np.array([[3.0, 4.0], [0.0, -0.5]]), Usage(2))

    np.testing.assert_allclose(found.vectors, [[0.6, 0.8], [0, -1]], atol=1e-6)
    assert found.vectors.dtype == np.float32


@pytest.mark.parametrize("bad", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_a_vector_that_points_nowhere_is_rejected_with_its_row(bad: list[float]) -> None:
    with pytest.raises(Rejected, match="row 1"):
        Embeddings.normalised(np.array([[1.0, 0.0], bad]), Usage(2))
