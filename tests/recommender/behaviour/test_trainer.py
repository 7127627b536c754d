"""What every trainer promises; test_als.py and test_svd.py hold what is one's own."""

import numpy as np
import pytest
from hypothesis import given, settings

from recommender.behaviour.settings import LearnerSettings
from recommender.behaviour.trainer import ALS, SVD, Trainer, trainers
from tests.recommender.behaviour.matrices import likes, matrix, two_tastes

TRAINERS = trainers(LearnerSettings())
each_trainer = pytest.mark.parametrize("trainer", TRAINERS, ids=lambda trainer: trainer.name)


@each_trainer
@settings(max_examples=25)
@given(likes)
def test_any_history_gives_finite_factors_and_zero_where_there_is_none(
    trainer: Trainer, liked: np.ndarray
) -> None:
    factors = trainer.fit(matrix(liked))
    assert factors.products.shape == (liked.shape[1], min(liked.shape))
    assert np.isfinite(factors.products).all()
    assert not factors.products[~liked.any(axis=0)].any()


@each_trainer
def test_a_matrix_without_users_gives_zeros(trainer: Trainer) -> None:
    assert trainer.fit(matrix(np.zeros((0, 4)))).products.tolist() == [[0.0]] * 4


@each_trainer
def test_the_same_history_gives_the_same_factors(trainer: Trainer) -> None:
    first, second = (trainer.fit(two_tastes()).products for _ in range(2))
    assert first.tobytes() == second.tobytes()


@each_trainer
def test_products_of_the_same_users_are_near(trainer: Trainer) -> None:
    products = trainer.fit(two_tastes()).products
    units = products / np.linalg.norm(products, axis=1, keepdims=True)
    near = units @ units.T
    assert near[0::2, 0::2].mean() > near[0::2, 1::2].mean() + 0.3


@each_trainer
def test_a_user_is_near_to_their_own_products(trainer: Trainer) -> None:
    liked = two_tastes()
    factors = trainer.fit(liked)
    scores, own = factors.users @ factors.products.T, liked.toarray() > 0
    assert scores[own].mean() > scores[~own].mean()


@each_trainer
def test_the_matrix_is_left_as_it_was(trainer: Trainer) -> None:
    given_matrix = two_tastes() * np.float32(3.0)
    trainer.fit(given_matrix)
    assert set(given_matrix.data.tolist()) == {3.0}


@each_trainer
def test_it_never_has_more_dimensions_than_it_says(trainer: Trainer) -> None:
    wide = np.random.default_rng(1).random((300, 310)) < 0.1
    assert trainer.fit(matrix(wide)).products.shape == (310, trainer.dimension)


def test_the_scale_of_preferences_does_not_matter() -> None:
    small, large = (ALS().fit(two_tastes() * np.float32(scale)).products for scale in (0.5, 4.0))
    np.testing.assert_allclose(small, large, atol=1e-3)


def test_a_product_that_more_users_like_has_a_longer_factor() -> None:
    liked = np.zeros((40, 2), dtype=bool)
    liked[:30, 0] = liked[30:, 1] = True
    often, seldom = np.linalg.norm(ALS().fit(matrix(liked)).products, axis=1)
    assert often > seldom


def test_products_are_as_near_as_in_the_exact_decomposition() -> None:
    liked = np.random.default_rng(5).random((80, 40)) < 0.2
    degrees = [np.sqrt(liked.sum(axis=axis, keepdims=True)) for axis in (0, 1)]
    _, sizes, right = np.linalg.svd(liked / degrees[0] / degrees[1], full_matrices=False)
    exact = right.T * sizes
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    vectors = SVD().fit(matrix(liked)).products
    np.testing.assert_allclose(vectors @ vectors.T, exact @ exact.T, atol=1e-4)


def test_every_product_that_is_liked_is_of_unit_length() -> None:
    products = SVD().fit(two_tastes()).products
    np.testing.assert_allclose(np.linalg.norm(products, axis=1), 1.0, atol=1e-5)


def test_how_much_a_product_is_liked_does_not_matter() -> None:
    liked = two_tastes()
    more = liked.copy()
    more.data = np.linspace(1, 9, more.nnz, dtype=np.float32)
    assert SVD().fit(more).products.tobytes() == SVD().fit(liked).products.tobytes()
