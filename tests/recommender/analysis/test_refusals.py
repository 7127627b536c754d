import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis.refusals import Refusals

NONE = np.zeros(0, np.int64)


def refusals(angles: list[float], codes: list[int], learnt: list[float] = ()) -> Refusals:
    """Refused products and examples of class 0, by their angle in the plane."""
    keys = np.arange(100, 100 + len(angles))
    return Refusals(keys, np.array(codes), plane(angles), plane(learnt), np.zeros(len(learnt), int))


def plane(angles: list[float]) -> np.ndarray:
    at = np.array(angles, dtype=np.float32).reshape(-1)
    return np.stack([np.cos(at), np.sin(at)], axis=1).astype(np.float32)


def even(rows: int, classes: int = 3) -> np.ndarray:
    return np.full((rows, classes), -np.log(classes), dtype=np.float32)


def test_what_was_refused_is_impossible_for_the_product_and_for_no_other() -> None:
    told = refusals([0.0, 1.0], [1, 2]).masked(np.array([101, 7, 100]), even(3))

    assert np.isneginf(told).tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_products_that_are_not_asked_about_change_nothing() -> None:
    told = even(2)
    assert (refusals([0.0], [1]).masked(np.array([5, 6]), told) == told).all()
    assert refusals([0.0], [1]).masked(NONE, told[:0]).shape == (0, 3)


def test_a_product_like_a_refused_one_is_told_the_class_less_and_a_far_one_as_before() -> None:
    said = refusals([0.0], [0], learnt=[1.5, 1.6])

    near, far = np.exp(said.discounted(plane([0.05, 1.55]), even(2)))

    assert near[0] < 0.05 * far[0]
    assert far[0] > 0.33
    assert near[1:].tolist() == far[1:].tolist(), "what is taken from a class goes to no other"


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=5),
    st.lists(st.floats(0, 3), max_size=5),
    st.lists(st.floats(0, 3), min_size=1, max_size=5),
)
def test_no_class_is_ever_told_more_or_ruled_out(
    refused: list[float], learnt: list[float], asked: list[float]
) -> None:
    said = refusals(refused, [0] * len(refused), learnt)

    told = said.discounted(plane(asked), even(len(asked)))

    assert np.isfinite(told).all()
    assert (told <= even(len(asked)) + 1e-6).all()
