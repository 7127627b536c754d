import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recommender.ranking import features
from tests.recommender.ranking.tables import table_of


def test_a_channel_gives_its_standing_and_its_rank_and_a_fact_itself():
    made = table_of([3], {"text:a:last": [3, 1, 2]}, {"popular:week": [5, np.nan, 7]})
    names = features.names(made.columns)
    assert names == ("text:a:last", "text:a:last#rank", "popular:week")
    standing, rank, fact = features.matrix(made, names).T
    assert standing == pytest.approx([1.2247449, -1.2247449, 0])
    assert rank == pytest.approx([1 / 10, 1 / 12, 1 / 11])
    assert fact == pytest.approx([5, np.nan, 7], nan_ok=True)


def test_a_channel_that_says_nothing_gives_nothing():
    made = table_of([3], {"text:a:last": [0, 0, 0]})
    assert not features.matrix(made, features.names(made.columns)).any()


def test_what_a_pool_lacks_is_zero_and_what_was_not_asked_for_is_left_out():
    made = table_of([2], {"text:a:last": [1, 2]}, {"popular:week": [5, 6]})
    matrix = features.matrix(made, ("image:b:last", "popular:week", "image:b:last#rank"))
    assert matrix.tolist() == [[0, 5, 0], [0, 6, 0]]


def test_a_request_has_the_same_features_alone_and_among_others():
    random = np.random.default_rng(3)
    scores, ages = random.random(9), random.random(9)
    together = table_of([4, 0, 5], {"text:a:last": scores}, {"product:age": ages})
    alone = table_of([5], {"text:a:last": scores[4:]}, {"product:age": ages[4:]})
    names = features.names(alone.columns)
    assert np.array_equal(features.matrix(together, names)[4:], features.matrix(alone, names))


def test_only_the_rank_of_a_channel_may_be_asked_for():
    made = table_of([2], {"text:a:last": [1, 2], "text:a:short_term": [2, 1]})
    matrix = features.matrix(made, ("text:a:last#rank", "text:a:short_term"))
    assert matrix.T.tolist() == [pytest.approx([1 / 11, 1 / 10]), [1, -1]]


def test_no_candidates_have_no_features():
    assert features.matrix(table_of([0], {"text:a:last": []}), ("text:a:last",)).shape == (0, 1)


scores = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 30)),
    elements=st.floats(-100, 100, width=32) | st.sampled_from([0.0, -0.0, 1.0]),
)


@given(scores)
def test_the_order_is_that_of_a_stable_sort(scores):
    expected = np.argsort(-scores, axis=-1, kind="stable")
    assert np.array_equal(features.order(scores), expected)


def test_reciprocals_start_at_the_offset_and_are_nothing_where_a_channel_says_nothing():
    reciprocals = features.reciprocals(np.array([[0.0, -1.0, 5.0, 2.0]], dtype=np.float32), 10)
    assert reciprocals.tolist() == [pytest.approx([0, 1 / 13, 1 / 10, 1 / 11])]


@given(scores)
def test_standardised_scores_have_no_mean_and_one_spread(scores):
    for row, standardised in zip(scores, features.standardised(scores), strict=True):
        assert standardised.mean() == pytest.approx(0, abs=1e-6)
        # hypothesis finds numbers too small for their squares to be anything.
        if np.ptp(row) > 1e-6:
            assert standardised.std() == pytest.approx(1)


def test_scores_that_are_all_alike_stand_at_zero():
    alike = np.full((1, 7), 0.1, dtype=np.float32)
    assert not features.standardised(alike).any()


def test_moments_are_those_of_each_request():
    values = np.array([1.0, 3.0, 10.0, 10.0, 10.0])
    means, spreads = features.moments(values, np.array([2, 0, 3]))
    assert means.tolist() == [2, 2, 10, 10, 10]
    assert spreads.tolist() == [1, 1, np.inf, np.inf, np.inf]


def test_requests_follow_one_another_and_may_be_empty():
    assert list(features.requests(np.array([2, 0, 3]))) == [
        slice(0, 2),
        slice(2, 2),
        slice(2, 5),
    ]
