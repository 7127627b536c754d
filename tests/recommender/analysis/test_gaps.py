"""Groups that lack products, and products that nobody clicks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis import gaps


def test_a_group_with_much_demand_and_little_stock_is_lacking():
    codes = np.repeat([0, 1, 2], [10, 10, 10])
    events = np.repeat([10, 100, 1], [10, 10, 10])
    in_stock = np.append(np.ones(10, dtype=bool), np.zeros(20, dtype=bool))
    in_stock[10], in_stock[20:] = True, True
    found = gaps.by_group(codes, events, in_stock, 3)
    assert found.lacking.tolist() == [1]
    assert (found.events[1], found.products[1], found.in_stock[1]) == (1000, 10, 1)
    assert found.times_usual[1] > 5


def test_a_group_with_nothing_in_stock_has_a_number_and_one_without_demand_is_none():
    codes = np.array([0, 0, 1, 1, 1, 1, -1])
    events = np.array([50, 50, 1, 1, 1, 1, 900])
    in_stock = np.array([False, False, True, True, True, True, True])
    found = gaps.by_group(codes, events, in_stock, 3)
    assert found.lacking.tolist() == [0]
    assert np.isfinite(found.times_usual).all()
    assert found.events.tolist() == [100, 4, 0]


def test_only_what_was_shown_often_enough_is_unclicked():
    shown = np.array([1000, 1000, 10, 0])
    clicked = np.array([0, 100, 0, 0])
    rows, expected = gaps.unclicked(shown, clicked)
    assert rows.tolist() == [0]
    assert 40 < expected[0] < 60


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50)), max_size=30))
def test_what_was_clicked_is_never_unclicked(rows):
    shown, clicked = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    found, expected = gaps.unclicked(shown, clicked)
    assert (clicked[found] == 0).all()
    assert (shown[found] > 0).all()
    assert (np.diff(expected) <= 0).all()
