"""EASE of chosen features: the regressions, the choice, and what is kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.behaviour import neighbours
from recommender.behaviour.ease import Ease, Gramian
from recommender.behaviour.settings import CooccurrenceSettings
from tests.recommender.behaviour.matrices import likes, matrix


def _ease(liked: np.ndarray, l2: float, limit: int = 200) -> np.ndarray:
    return Ease.of(matrix(liked)).weights(l2, limit).toarray()


@given(likes, st.sampled_from([0.5, 20.0, 500.0]))
def test_a_product_that_co_occurs_with_all_others_has_the_weights_of_the_paper(
    liked: np.ndarray, l2: float
) -> None:
    gramian = liked.T.astype(int) @ liked.astype(int)
    inverse = np.linalg.inv(gramian + l2 * np.eye(len(gramian)))
    for product, weights in enumerate(_ease(liked, l2).T):
        others = np.delete(np.arange(len(gramian)), product)
        features = others[gramian[others, product] > 0]
        if len(features) == len(others):
            paper = -inverse[others, product] / inverse[product, product]
            np.testing.assert_allclose(weights[others], paper, atol=1e-5)
        assert not np.delete(weights, features).any()


def test_each_product_is_predicted_best_from_its_features() -> None:
    liked = (np.random.default_rng(6).random((50, 8)) < 0.4).astype(float)
    scores = _ease(liked, 3.0)
    for product in range(8):
        others = np.delete(np.arange(8), product)
        x = liked[:, others]
        expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(7), x.T @ liked[:, product])
        np.testing.assert_allclose(scores[others, product], expected, atol=1e-6)


def test_a_product_has_the_features_that_speak_most_for_it() -> None:
    liked = np.random.default_rng(7).random((400, 150)) < 0.2
    settings = CooccurrenceSettings(user=0.5, own=0.8, target=0.3)
    weights = Ease.of(matrix(liked), settings, features=100).weights(5.0, limit=150).toarray()
    together = neighbours.cooccurrence(matrix(liked), 150, settings).toarray()
    for product in range(150):
        features = np.flatnonzero(weights[:, product])
        assert len(features) == 100
        others = np.setdiff1d(np.arange(150), [*features, product])
        assert together[features, product].min() >= together[others, product].max() * 0.9999


def test_the_weights_that_are_furthest_from_zero_are_kept() -> None:
    liked = np.random.default_rng(8).random((50, 12)) < 0.4
    all_of_them, kept = np.abs(_ease(liked, 5.0)), np.abs(_ease(liked, 5.0, limit=3))
    np.testing.assert_allclose(np.sort(kept)[:, -3:], np.sort(all_of_them)[:, -3:])
    assert (kept > 0).sum(axis=1).tolist() == [3] * 12


@given(likes, st.integers(1, 9), st.randoms())
def test_the_gramian_of_rare_products_is_counted_as_that_of_popular_ones_is_held(
    liked: np.ndarray, held: int, random
) -> None:
    products = np.array(random.sample(range(liked.shape[1]), k=random.randint(1, liked.shape[1])))
    expected = (liked.T.astype(int) @ liked.astype(int))[np.ix_(products, products)]
    np.testing.assert_array_equal(Gramian(matrix(liked), held).among(products), expected)


def test_products_that_the_same_users_like_are_told_apart_by_nothing() -> None:
    twins = np.repeat(np.random.default_rng(9).random((40, 1)) < 0.5, 5, axis=1)
    weights = _ease(twins, 1.0)
    assert weights[~np.eye(5, dtype=bool)] == pytest.approx(weights[0, 1])
