"""Thresholds that outliers do not move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis import tails


@pytest.mark.parametrize("wanted", [0.001, 0.01, 0.1])
def test_so_many_usual_values_exceed_it_as_are_wanted(wanted):
    values = np.exp(np.random.default_rng(0).normal(size=50_000))
    exceeding = (values > tails.threshold(values, wanted)).mean()
    assert exceeding == pytest.approx(wanted, rel=0.25)


def test_values_that_are_far_off_hardly_move_it():
    values = np.exp(np.random.default_rng(0).normal(size=10_000))
    before = tails.threshold(values, 0.01)
    values[:200] = 1e9
    assert tails.threshold(values, 0.01) < 1.3 * before


def test_zeros_are_usual_and_nothing_but_zeros_has_none_beyond():
    values = np.exp(np.random.default_rng(0).normal(size=50_000))
    values[::2] = 0
    assert (values > tails.threshold(values, 0.01)).mean() == pytest.approx(0.01, rel=0.25)
    assert tails.threshold(np.zeros(9), 0.01) == float("inf")


@given(st.lists(st.floats(0, 1e9), max_size=30), st.floats(0.0001, 0.4))
def test_fewer_false_alarms_ask_for_no_less(values, wanted):
    found = np.array(values)
    assert tails.threshold(found, wanted) <= tails.threshold(found, wanted / 2) * (1 + 1e-9)
