"""EASE, by the inverse of products and by that of users."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.behaviour.ease import ease
from tests.recommender.behaviour.matrices import likes, matrix


def _weights(liked: np.ndarray, l2: float) -> np.ndarray:
    """As the paper has them."""
    inverse = np.linalg.inv(liked.T.astype(float) @ liked + l2 * np.eye(liked.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@given(likes, st.sampled_from([0.5, 20.0, 500.0]))
def test_weights_are_those_of_the_paper_whichever_side_is_smaller(
    liked: np.ndarray, l2: float
) -> None:
    for some in (liked, liked[:2], liked[:, :2]):
        had = some.any(axis=0)
        expected = np.where(np.outer(had, had), _weights(some, l2), 0.0)
        np.testing.assert_allclose(ease(matrix(some), l2=l2).toarray(), expected, atol=1e-5)


def test_with_few_users_all_products_take_part_however_many() -> None:
    liked = np.random.default_rng(3).random((20, 1_300)) < 0.1
    scores = ease(matrix(liked), limit=1_300, most=25, l2=5.0).toarray()
    had = liked.any(axis=0)
    expected = np.where(np.outer(had, had), _weights(liked, 5.0), 0.0)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_ease_predicts_each_product_best_from_the_others() -> None:
    liked = (np.random.default_rng(6).random((50, 8)) < 0.4).astype(float)
    scores = ease(matrix(liked), l2=3.0).toarray()
    for product in range(8):
        others = np.delete(np.arange(8), product)
        x = liked[:, others]
        expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(7), x.T @ liked[:, product])
        np.testing.assert_allclose(scores[others, product], expected, atol=1e-4)


def test_ease_keeps_the_weights_that_are_furthest_from_zero() -> None:
    liked = matrix(np.random.default_rng(8).random((50, 12)) < 0.4)
    all_of_them, kept = np.abs(ease(liked).toarray()), np.abs(ease(liked, limit=3).toarray())
    np.testing.assert_allclose(np.sort(kept)[:, -3:], np.sort(all_of_them)[:, -3:])
    assert (kept > 0).sum(axis=1).tolist() == [3] * 12


def test_only_popular_products_take_part_in_ease() -> None:
    liked = np.random.default_rng(9).random((50, 6)) < 0.5
    liked[:, 2] = liked[:, 4] = False
    liked[:3, 2] = True
    scores = ease(matrix(liked), most=4).toarray()
    assert not scores[[2, 4]].any()
    assert not scores[:, [2, 4]].any()
    assert scores.any()
