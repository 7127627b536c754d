import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight import top_lists as module
from recommender.insight.top_lists import Eligible, Scorer, fusion, top_lists

ALL = np.ones(5, dtype=bool)
EVERYTHING = Eligible(listable=ALL, seen=None)
TWO = np.array([0, 1])


def _fixed(*rows: list[float]) -> Scorer:
    scores = np.array(rows, np.float32)
    return lambda users: scores[users]


def _listed(lists: list[NDArray[np.int64]]) -> list[list[int]]:
    return [products.tolist() for products in lists]


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
