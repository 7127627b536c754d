import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import fusion

LISTS = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=20), max_size=6)


def fused(lists, excluded=(), limit=None) -> list[int]:
    arrays = [np.array(each, dtype=np.int64) for each in lists]
    return fusion.fuse(arrays, np.array(excluded, dtype=np.int64), limit).tolist()


def test_what_most_lists_propose_is_looked_at_before_the_first_of_one():
    assert fused([[1, 9], [2, 9], [3, 9]], limit=1) == [9]


def test_of_lists_of_their_own_the_first_places_are_looked_at():
    assert fused([[1, 2, 3], [4, 5, 6]], limit=4) == [1, 2, 4, 5]


def test_what_is_excluded_takes_no_place():
    assert fused([[1, 2, 3]], excluded=[1, 7], limit=2) == [2, 3]


def test_without_a_limit_all_are_looked_at():
    assert fused([[3, 1], [2]]) == [1, 2, 3]


def test_no_lists_propose_nothing():
    assert fused([]) == []
    assert fused([[], []], limit=5) == []


@given(LISTS, st.lists(st.integers(1, 30), unique=True), st.integers(1, 40))
def test_what_is_looked_at_is_proposed_distinct_and_as_much_as_there_is(lists, excluded, limit):
    found = fused(lists, excluded, limit)
    open_to = {key for each in lists for key in each} - set(excluded)
    assert found == sorted(set(found))
    assert set(found) <= open_to
    assert len(found) == min(limit, len(open_to))
