import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recommender.ranking import within_request

scores = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 30)),
    elements=st.floats(-100, 100, width=32) | st.sampled_from([0.0, -0.0, 1.0]),
)


@given(scores)
def test_the_order_is_that_of_a_stable_sort(scores):
    expected = np.argsort(-scores, axis=-1, kind="stable")
    assert np.array_equal(within_request.order(scores), expected)


def test_reciprocals_start_at_the_offset_and_are_nothing_where_a_channel_says_nothing():
    found = within_request.reciprocals(np.array([[0.0, -1.0, 5.0, 2.0]], dtype=np.float32), 10)
    assert found.tolist() == [pytest.approx([0, 1 / 13, 1 / 10, 1 / 11])]


@given(scores)
def test_standardised_scores_have_no_mean_and_one_spread(scores):
    for row, found in zip(scores, within_request.standardised(scores), strict=True):
        assert found.mean() == pytest.approx(0, abs=1e-6)
        # hypothesis finds numbers too small for their squares to be anything.
        if np.ptp(row) > 1e-6:
            assert found.std() == pytest.approx(1)


def test_scores_that_are_all_alike_stand_at_zero():
    alike = np.full((1, 7), 0.1, dtype=np.float32)
    assert not within_request.standardised(alike).any()


def test_moments_are_those_of_each_request():
    values = np.array([1.0, 3.0, 10.0, 10.0, 10.0])
    means, spreads = within_request.moments(values, np.array([2, 0, 3]))
    assert means.tolist() == [2, 2, 10, 10, 10]
    assert spreads.tolist() == [1, 1, np.inf, np.inf, np.inf]


def test_requests_follow_one_another_and_may_be_empty():
    assert list(within_request.requests(np.array([2, 0, 3]))) == [
        slice(0, 2),
        slice(2, 2),
        slice(2, 5),
    ]
