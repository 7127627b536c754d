import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight.beyond_accuracy import (
    EMPTY,
    coverage,
    diversity,
    novelty,
    popularity_lift,
)

# Four of six products each.
random_lists = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 8), st.just(1)), elements=st.integers(0, 2)
).map(lambda first: first + np.arange(4))


def test_coverage_is_the_share_of_what_can_be_listed() -> None:
    lists = np.array([[0, 1, EMPTY], [1, 2, 4]])
    listable = np.array([True, True, True, True, False])

    share = coverage(lists, listable)

    assert share is not None
    assert share.mean == 3 / 4, "product 4 cannot be listed, product 3 was not"
    assert share.low <= share.mean <= share.high


def test_the_same_list_for_everyone_leaves_no_doubt_of_coverage() -> None:
    share = coverage(np.tile([0, 1], (30, 1)), np.ones(8, dtype=bool))

    assert share is not None
    assert (share.mean, share.low, share.high) == (0.25, 0.25, 0.25)


def test_nothing_to_list_and_nobody_to_list_for_have_no_coverage() -> None:
    assert coverage(np.array([[EMPTY]]), np.zeros(3, dtype=bool)) is None
    assert coverage(np.empty((0, 5), np.int64), np.ones(3, dtype=bool)) is None


def test_empty_lists_cover_nothing() -> None:
    share = coverage(np.full((4, 2), EMPTY), np.ones(3, dtype=bool))

    assert share is not None
    assert share.mean == 0.0


@given(random_lists)
def test_coverage_and_its_interval_are_shares(lists: NDArray[np.int64]) -> None:
    share = coverage(lists, np.ones(6, dtype=bool))

    assert share is not None
    assert share.mean == len(np.unique(lists)) / 6
    assert 0.0 <= share.low <= share.mean <= share.high <= 1.0


def test_coverage_of_a_shops_size_takes_less_than_two_seconds() -> None:
    random = np.random.default_rng(5)
    lists = np.stack([random.permutation(4000)[:20] for _ in range(2000)])

    started = time.perf_counter()
    coverage(lists, np.ones(4000, dtype=bool))

    assert time.perf_counter() - started < 2


def test_novelty_is_the_mean_self_information_in_bits() -> None:
    lists = np.array([[0, 1], [2, EMPTY], [EMPTY, EMPTY]])

    bits = novelty(lists, np.array([8, 2, 0]), users=8)

    assert bits[0] == pytest.approx((0 + 2) / 2)
    assert bits[1] == pytest.approx(np.log2(9)), "what nobody had is rarer than what one had"
    assert np.isnan(bits[2])


def test_the_rarer_a_product_the_more_novel() -> None:
    popularity = np.arange(20, -1, -1)

    bits = novelty(np.arange(21)[:, None], popularity, users=20)

    assert np.all(np.diff(bits) > 0)
    assert bits[0] == 0


def test_diversity_is_the_mean_over_pairs() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], np.float32)
    lists = np.array([[0, 1, 2], [0, 2, EMPTY], [0, 3, EMPTY]])

    distances = diversity(lists, vectors)

    assert distances.tolist() == pytest.approx([2 / 3, 0.0, 2.0])


def test_products_without_a_vector_and_lists_without_a_pair_have_no_diversity() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    lists = np.array([[0, 1, 2], [0, 2, EMPTY], [EMPTY, EMPTY, EMPTY]])

    distances = diversity(lists, vectors)

    assert distances[0] == pytest.approx(1.0)
    assert np.isnan(distances[1:]).all()


def test_diversity_is_that_of_the_pairs_one_by_one() -> None:
    random = np.random.default_rng(6)
    vectors = random.normal(size=(50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lists = np.stack([random.permutation(50)[:10] for _ in range(20)])

    distances = diversity(lists, vectors)

    upper = np.triu_indices(10, 1)
    pairs = [1 - (vectors[products] @ vectors[products].T)[upper].mean() for products in lists]
    assert distances == pytest.approx(np.array(pairs), abs=1e-5)


def test_a_list_more_popular_than_its_users_taste_has_a_lift() -> None:
    popularity = np.array([100, 50, 10, 1])
    history = csr_array(np.array([[0, 0, 3, 0], [1, 0, 0, 0], [0, 0, 0, 0]], np.float32))
    lists = np.array([[0, EMPTY], [3, EMPTY], [0, 1]])

    lifts = popularity_lift(lists, history, popularity)

    assert lifts[:2].tolist() == pytest.approx([0.5, -0.75])
    assert np.isnan(lifts[2]), "who had nothing has no taste to compare with"


def test_more_of_what_the_user_had_has_no_lift() -> None:
    popularity = np.array([7, 7, 3, 1])
    history = csr_array(np.array([[1, 0, 1, 0]], np.float32))

    assert popularity_lift(np.array([[1, 2]]), history, popularity).tolist() == [0.0]
