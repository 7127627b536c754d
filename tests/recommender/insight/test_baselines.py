from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight import baselines
from recommender.insight import baselines as module
from recommender.insight.baselines import BaselineError, Eligible, Scorer, fusion, top_lists

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

    assert [listed.tolist() for listed in lists] == [[2, 0], []]


ALL = np.ones(5, dtype=bool)
EVERYTHING = Eligible(listable=ALL, seen=None)
TWO = np.array([0, 1])


def _fixed(*rows: list[float]) -> Scorer:
    scores = np.array(rows, np.float32)
    return lambda users: scores[users]


def _listed(lists: list[NDArray[np.int64]]) -> list[list[int]]:
    return [listed.tolist() for listed in lists]


def test_a_list_is_the_best_products_best_first() -> None:
    scorer = _fixed([0, 3, 1, 2, 4], [5, 4, 3, 2, 1])

    assert _listed(top_lists(scorer, TWO, 3, EVERYTHING)) == [[4, 1, 3], [0, 1, 2]]
    assert _listed(top_lists(scorer, np.array([1]), 2, EVERYTHING)) == [[0, 1]]


def test_what_a_scorer_does_not_propose_is_not_listed() -> None:
    scorer = _fixed([0, -np.inf, 1, -np.inf, -np.inf], [-np.inf] * 5)

    assert _listed(top_lists(scorer, TWO, 3, EVERYTHING)) == [[2, 0], []]


def test_neither_seen_nor_unavailable_products_are_listed() -> None:
    seen = csr_array(np.array([[0, 0, 0, 0, 1], [1, 1, 0, 0, 0]]))
    eligible = Eligible(listable=np.array([True, True, True, False, True]), seen=seen)
    scorer = _fixed([0, 3, 1, 2, 4], [5, 4, 3, 2, 1])

    assert _listed(top_lists(scorer, TWO, 3, eligible)) == [[1, 2, 0], [2, 4]]


def test_of_equal_scores_the_lower_column_stands_first() -> None:
    assert _listed(top_lists(_fixed([1, 2, 1, 2, 1]), np.array([0]), 4, EVERYTHING))[0][:2] == [
        1,
        3,
    ]
    assert _listed(top_lists(_fixed([1, 1, 1, 1, 1]), np.array([0]), 5, EVERYTHING)) == [
        [0, 1, 2, 3, 4]
    ]


def test_a_catalog_smaller_than_the_list_is_listed_whole() -> None:
    lists = top_lists(_fixed([1, 2, 3, 4, 5]), np.array([0]), 20, EVERYTHING)

    assert _listed(lists) == [[4, 3, 2, 1, 0]]


def test_many_users_are_scored_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_CELLS", 11)
    blocks = []

    def scorer(users: NDArray[np.int64]) -> NDArray[np.float32]:
        blocks.append(len(users))
        return np.eye(5, dtype=np.float32)[users % 5]

    lists = top_lists(scorer, np.arange(7), 1, EVERYTHING)

    assert blocks == [2, 2, 2, 1]
    assert _listed(lists) == [[0], [1], [2], [3], [4], [0], [1]]


def test_a_fusion_lists_first_what_several_rank_high() -> None:
    first, second = _fixed([9, 8, 7, 0, 0]), _fixed([-np.inf, 2, 1, 3, -np.inf])

    fused = fusion([first, second], EVERYTHING)(np.array([0]))

    # By hand: 1/61; 1/62 + 1/62; 1/63 + 1/63; 1/64 + 1/61; 1/65.
    worth = [1 / 61, 2 / 62, 2 / 63, 1 / 64 + 1 / 61, 1 / 65]
    assert fused[0].tolist() == pytest.approx(worth)


def test_a_fusion_counts_ranks_among_what_may_be_listed() -> None:
    seen = csr_array(np.array([[1, 0, 0, 0, 0]]))
    eligible = Eligible(listable=ALL, seen=seen)

    fused = fusion([_fixed([9, 8, -np.inf, -np.inf, -np.inf])], eligible)(np.array([0]))

    assert fused[0, 1] == pytest.approx(1 / 61)
    assert np.isneginf(fused[0, [0, 2, 3, 4]]).all()
