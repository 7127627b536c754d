import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommender.behaviour.fold_in import FoldIn, LeastSquares
from recommender.behaviour.settings import AlsSettings, LearnerSettings
from recommender.behaviour.trainer import ALS, Factors, Trainer, trainers
from tests.recommender.behaviour.matrices import two_tastes

TRAINERS = trainers(LearnerSettings())
each_trainer = pytest.mark.parametrize("trainer", TRAINERS, ids=lambda trainer: trainer.name)


def folded(factors: Factors, products: np.ndarray) -> np.ndarray:
    return factors.fold_in.factor(factors.products[products], np.ones(len(products)))


def test_it_is_what_implicit_would_calculate() -> None:
    preferences = csr_matrix(two_tastes()) * np.float32(np.log(2))
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=8, regularization=2.0, alpha=7.0, random_state=3)
        model.fit(preferences, show_progress=False)
        expected = model.recalculate_user(5, preferences[5])
    gramian = model.item_factors.T @ model.item_factors
    products = preferences[5].indices
    factor = FoldIn(LeastSquares(gramian, 2.0, 7.0)).factor(
        model.item_factors[products], np.ones(len(products))
    )
    np.testing.assert_allclose(factor, expected, atol=1e-3)


def test_the_history_learnt_from_gives_the_factor_that_was_learnt() -> None:
    preferences = two_tastes() * np.float32(np.log(2))
    factors = ALS(AlsSettings(regularization=1.0)).fit(preferences)
    scores = factors.products @ folded(factors, preferences[[4]].indices)
    np.testing.assert_allclose(scores, factors.products @ factors.users[4], atol=0.05)


@each_trainer
def test_a_new_user_is_near_to_what_others_of_their_taste_like(trainer: Trainer) -> None:
    factors = trainer.fit(two_tastes())
    scores = factors.products @ folded(factors, np.array([0, 2, 4]))
    assert scores[0::2].min() > scores[1::2].max()


@each_trainer
@given(st.permutations(range(6)))
def test_the_order_of_products_does_not_matter(trainer: Trainer, order: list[int]) -> None:
    fold_in = _SOME[trainer.name].fold_in
    vectors, weights = _SOME[trainer.name].products[:6], np.arange(1.0, 7.0)
    expected = fold_in.factor(vectors, weights)
    np.testing.assert_allclose(fold_in.factor(vectors[order], weights[order]), expected, atol=1e-5)


_SOME = {trainer.name: trainer.fit(two_tastes()) for trainer in TRAINERS}


@each_trainer
def test_a_heavier_product_pulls_more(trainer: Trainer) -> None:
    factors = _SOME[trainer.name]
    vectors = factors.products[:2]
    light, heavy = (factors.fold_in.factor(vectors, np.array([w, 1.0])) for w in (1.0, 5.0))
    assert vectors[0] @ heavy > vectors[0] @ light


@each_trainer
def test_a_user_without_products_is_at_zero(trainer: Trainer) -> None:
    factor = folded(_SOME[trainer.name], np.array([], dtype=int))
    assert factor.tolist() == [0.0] * 20


def test_products_that_cancel_out_leave_zero() -> None:
    vectors = np.array([[1, 0], [-1, 0]], dtype=np.float32)
    assert FoldIn().factor(vectors, np.ones(2)).tolist() == [0, 0]


@each_trainer
def test_it_is_the_same_after_storage(trainer: Trainer) -> None:
    factors = _SOME[trainer.name]
    stored = FoldIn.from_bytes(factors.fold_in.to_bytes())
    vectors, weights = factors.products[:3], np.ones(3)
    expected = factors.fold_in.factor(vectors, weights)
    assert stored.factor(vectors, weights).tolist() == expected.tolist()


@pytest.mark.parametrize("data", [b"nothing of ours", b"PK\x03\x04 cut off"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="train the space again"):
        FoldIn.from_bytes(data)
