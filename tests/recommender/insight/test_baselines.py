from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.insight import baselines
from recommender.insight.baselines import BaselineError
from recommender.insight.top_lists import Eligible, Scorer, top_lists

PRODUCTS = 20


@pytest.fixture(scope="module")
def tastes() -> csr_array:
    """Even users have the first ten products and odd users the others, seven of ten each."""
    random = np.random.default_rng(8)
    matrix = np.zeros((60, PRODUCTS), np.float32)
    for user in range(60):
        matrix[user, random.permutation(10)[:7] + 10 * (user % 2)] = 1
    return csr_array(matrix)


@pytest.fixture
def toy() -> csr_array:
    return csr_array(np.array([[1, 1, 0], [1, 1, 1], [0, 0, 1]], np.float32))


LEARNED = {
    "item-kNN": baselines.item_knn,
    "EASE": baselines.ease,
    "ALS": baselines.als,
    "BPR": baselines.bpr,
}


@pytest.mark.parametrize("fit", LEARNED.values(), ids=LEARNED.keys())
def test_a_user_is_recommended_the_rest_of_their_taste(
    fit: Callable[[csr_array], Scorer], tastes: csr_array
) -> None:
    eligible = Eligible(listable=np.ones(PRODUCTS, dtype=bool), seen=tastes)

    lists = top_lists(fit(tastes), np.arange(60), 3, eligible)

    right = [
        np.all((listed >= 10) == bool(user % 2)) and len(listed) == 3
        for user, listed in enumerate(lists)
    ]
    assert np.mean(right) > 0.95


@pytest.mark.parametrize("fit", LEARNED.values(), ids=LEARNED.keys())
def test_the_same_matrix_gives_the_same_scores(
    fit: Callable[[csr_array], Scorer], tastes: csr_array
) -> None:
    before = tastes.copy()
    users = np.array([3, 14, 15])

    first, second = fit(tastes)(users), fit(tastes)(users)

    assert first.shape == (3, PRODUCTS)
    assert first.dtype == np.float32
    assert np.array_equal(first, second)
    assert (tastes != before).nnz == 0, "fitting leaves the matrix as it is"


def test_popular_is_the_same_for_everyone_and_proposes_nothing_unheard_of() -> None:
    scores = baselines.popular(np.array([3.0, 0.0, 7.0]))(np.array([4, 9]))

    assert scores.tolist() == [[3.0, -np.inf, 7.0]] * 2


def test_item_knn_sums_the_cosines_to_what_the_user_had(toy: csr_array) -> None:
    scores = baselines.item_knn(toy)(np.array([0, 2]))

    near, far = 1.0, 1 / 2
    assert scores[0] == pytest.approx([near, near, 2 * far])
    assert scores[1].tolist() == pytest.approx([far, far, -np.inf])


def test_ease_is_the_closed_form(toy: csr_array) -> None:
    scores = baselines.ease(toy)(np.array([0, 1, 2]))

    dense = toy.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 200 * np.eye(3))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert scores == pytest.approx(dense @ weights, rel=1e-4)


def test_ease_says_why_it_leaves_out_a_large_catalog() -> None:
    with pytest.raises(BaselineError, match="20,001 are more than the 20,000"):
        baselines.ease(csr_array((2, 20_001), dtype=np.float32))


def test_ease_says_that_weights_are_too_large() -> None:
    with pytest.raises(BaselineError, match="lost to rounding"):
        baselines.ease(csr_array(np.array([[2.0**20, 2.0**20]], np.float32)))


def test_the_mean_profile_finds_what_is_like_the_whole_history() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0, 0]], np.float32)
    weights = csr_array(np.array([[1, 3, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], np.float32))

    scores = baselines.mean_profile(weights, vectors)(np.arange(3))

    assert scores[0] == pytest.approx([1, 3, 0.6 + 2.4, -np.inf])
    assert np.isneginf(scores[1:]).all(), "neither has anything with a vector"


def test_repeat_lists_the_users_own_products_heaviest_first() -> None:
    weights = csr_array(np.array([[0.5, 0, 2.0], [0, 0, 0]], np.float32))
    eligible = Eligible(listable=np.ones(3, dtype=bool), seen=None)

    lists = top_lists(baselines.repeat(weights), np.arange(2), 3, eligible)

    assert [products.tolist() for products in lists] == [[2, 0], []]
