import base64

import numpy as np
import pytest

from embeddings.errors import Misconfigured, Unavailable
from embeddings.providers import answer


def test_rows_come_in_the_order_of_their_index() -> None:
    rows = [{"index": 1, "x": "b"}, {"index": 0, "x": "a"}]

    assert [row["x"] for row in answer.in_order(rows, "index", 2)] == ["a", "b"]


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {},
        "ab",
        [],
        [{"index": 0}],
        [{"index": 0}, {"index": 2}],
        [{"index": 0}, {"index": 0}],
        [{"index": 0}, {"index": "1"}],
        [{"index": 0}, {"index": [1]}],
        [{"index": 0}, {}],
        [{"index": 0}, 7],
        [{"index": 0}, {"index": 1}, {"index": 2}],
    ],
)
def test_rows_that_are_not_one_for_each_input_are_refused(rows: object) -> None:
    with pytest.raises(Unavailable, match="not with one for each of 2 inputs"):
        answer.in_order(rows, "index", 2)


def test_vectors_are_read_as_numbers_and_as_base64() -> None:
    encoded = base64.b64encode(np.array([0.5, -2.0], "<f4").tobytes()).decode()

    vectors = answer.dense([[1, 2.5], encoded], 2)

    np.testing.assert_array_equal(vectors, [[1, 2.5], [0.5, -2]])
    assert vectors.dtype == np.float32


@pytest.mark.parametrize(
    "vector",
    [
        None,
        1.0,
        [[1.0, 2.0]],
        [1.0, "x"],
        [1.0, [2.0]],
        [1, 10**400],
        {},
        "A",
    ],
)
def test_what_is_no_vector_of_the_dimension_is_refused(vector: object) -> None:
    with pytest.raises(Unavailable, match="The provider gave a vector"):
        answer.dense([vector], 2)


@pytest.mark.parametrize("other", [[], [1.0], [1.0, 2.0, 3.0]])
def test_vectors_that_all_have_another_dimension_are_not_asked_for_again(other: object) -> None:
    with pytest.raises(Misconfigured, match="check the model's dimension"):
        answer.dense([other, other], 2)
    with pytest.raises(Unavailable, match="The provider gave a vector"):
        answer.dense([[1.0, 2.0], other], 2)


@pytest.mark.parametrize("number", [None, float("nan"), 1e300])
def test_a_number_that_is_not_finite_is_left_for_its_row_to_be_refused(number: object) -> None:
    vectors = answer.dense([[1.0, 0.0], [number, 1.0]], 2)

    assert np.isfinite(vectors).tolist() == [[True, True], [False, True]]


def test_an_answer_without_any_finite_vector_is_not_its_rows_fault() -> None:
    bad = [float("nan"), 1.0]

    with pytest.raises(Unavailable, match="no finite vector at all"):
        answer.dense([bad, bad], 2)
    assert answer.dense([bad], 2).shape == (1, 2)
