import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.behaviour.ease import Ease
from recommender.behaviour.neighbours import bought_together, cooccurrence
from recommender.behaviour.settings import CooccurrenceSettings
from tests.recommender.behaviour.matrices import likes, matrix


def ease(liked: csr_array, limit: int = 200) -> csr_array:
    return Ease.of(liked).weights(200.0, limit)


@given(likes)
def test_cooccurrence_is_the_share_of_users_in_common(liked: np.ndarray) -> None:
    scores = cooccurrence(matrix(liked)).toarray()
    both, users = liked.T.astype(float) @ liked, np.maximum(liked.sum(axis=0), 1)
    expected = both / np.sqrt(np.outer(users, users))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    np.testing.assert_allclose(scores, scores.T, atol=1e-6)
    assert 0 <= scores.min(initial=0) <= scores.max(initial=0) <= 1


@given(likes, st.tuples(*[st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0])] * 3))
def test_exponents_say_how_far_degrees_count(
    liked: np.ndarray, exponents: tuple[float, float, float]
) -> None:
    user, own, target = exponents
    settings = CooccurrenceSettings(user=user, own=own, target=target)
    scores = cooccurrence(matrix(liked), settings=settings).toarray()
    per_user, per_product = (np.maximum(liked.sum(axis=axis), 1.0) for axis in (1, 0))
    expected = liked.T @ (liked * per_user[:, None] ** -user)
    expected = expected * per_product[:, None] ** -own * per_product[None, :] ** -target
    np.fill_diagonal(expected, 0)
    expected /= max(1.0, expected.max(initial=0))
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@given(likes)
def test_only_the_best_are_kept(liked: np.ndarray) -> None:
    all_of_them, best = (cooccurrence(matrix(liked), limit).toarray() for limit in (200, 2))
    np.testing.assert_allclose(
        np.sort(best, axis=1)[:, -2:], np.sort(all_of_them, axis=1)[:, -2:], atol=1e-6
    )
    assert (best > 0).sum(axis=1).max() <= 2


def test_products_of_the_very_same_users_do_not_push_each_other_over_the_limit() -> None:
    scores = cooccurrence(matrix(np.ones((3, 9))), limit=4)
    assert np.diff(scores.indptr).tolist() == [4] * 9
    assert not scores.diagonal().any()


def test_a_user_with_everything_does_not_link_everything() -> None:
    liked = np.zeros((3, 2_000), dtype=bool)
    liked[0] = True
    liked[1:, :2] = True
    scores = cooccurrence(matrix(liked), limit=1_000)
    assert scores[0, 1] > 0
    assert np.diff(scores.indptr).max() < 500


@pytest.mark.parametrize("find", [cooccurrence, ease])
def test_the_same_history_gives_the_same_neighbours(find) -> None:
    liked = matrix(np.random.default_rng(2).random((60, 90)) < 0.3)
    first, second = find(liked, limit=5), find(liked, limit=5)
    assert (first != second).nnz == 0


@pytest.mark.parametrize("find", [cooccurrence, ease])
@pytest.mark.parametrize("shape", [(0, 3), (4, 3), (1, 1)])
def test_without_history_there_are_no_neighbours(find, shape: tuple[int, int]) -> None:
    scores = find(matrix(np.zeros(shape)))
    assert (scores.shape, scores.nnz) == ((shape[1], shape[1]), 0)


@pytest.mark.parametrize("find", [cooccurrence, ease])
def test_one_user_with_one_product_has_no_neighbours(find) -> None:
    assert find(matrix(np.ones((1, 1)))).nnz == 0


@pytest.mark.parametrize("find", [cooccurrence, ease])
def test_the_order_of_users_does_not_matter(find) -> None:
    liked = np.random.default_rng(4).random((30, 12)) < 0.4
    shuffled = liked[np.random.default_rng(5).permutation(30)]
    expected = find(matrix(liked)).toarray()
    np.testing.assert_allclose(find(matrix(shuffled)).toarray(), expected, atol=1e-6)


def test_few_baskets_say_less_than_many() -> None:
    # 0 and 1 were bought once each, together; 2 and 3 twenty times together, and each once alone.
    baskets = np.zeros((23, 4))
    baskets[0, :2] = 1
    baskets[1:21, 2:] = 1
    baskets[21, 2] = baskets[22, 3] = 1
    scores = bought_together(matrix(baskets)).toarray()
    assert scores[0, 1] == pytest.approx(1 / 11)
    assert scores[2, 3] == pytest.approx(20 / 21 * 20 / 30)
    assert scores[0, 2] == 0
