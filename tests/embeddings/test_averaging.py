import numpy as np
import pytest

from embeddings.averaging import mean, sparse_mean
from embeddings.errors import Rejected
from embeddings.types import SparseVector

EAST = np.array([1, 0], np.float32)
NORTH = np.array([0, 1], np.float32)


def test_a_heavier_part_weighs_more_and_the_mean_has_length_one() -> None:
    found = mean([EAST, NORTH], [3, 1])

    np.testing.assert_allclose(found, np.array([3, 1]) / np.sqrt(10), rtol=1e-6)
    assert found.dtype == np.float32


def test_parts_that_cancel_out_are_refused() -> None:
    with pytest.raises(Rejected, match="cancel out"):
        mean([EAST, -EAST], [1, 1])


def test_a_token_s_weight_is_its_mean_and_tokens_stay_in_order() -> None:
    first = SparseVector((2, 7), (1.0, 0.5), ("mug", "tea"))
    second = SparseVector((1, 7), (0.8, 0.1), ("cup", "tea"))

    found = sparse_mean([first, second], [3, 1])

    assert found.indices == (1, 2, 7)
    assert found.values == pytest.approx((0.2, 0.75, 0.4))
    assert found.tokens == ("cup", "mug", "tea")


def test_without_the_tokens_texts_there_are_none() -> None:
    found = sparse_mean([SparseVector((1,), (1.0,)), SparseVector((1,), (0.0,))], [1, 1])

    assert found == SparseVector((1,), (0.5,))
