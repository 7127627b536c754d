import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import lookup


def keys(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_the_heaviest_labels_come_first_and_none_is_no_label():
    assert lookup.heaviest(keys(4, 0, 2, 4), np.array([1.0, 9, 1.5, 1]), 5) == [4, 2]
    assert lookup.heaviest(keys(4, 2), np.array([1.0, 2]), 1) == [2]
    assert lookup.heaviest(keys(), np.array([]), 3) == []


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50)))
def test_places_are_those_of_equal_keys(known, wanted):
    for find, among in ((lookup.places, known), (lookup.sorted_places, sorted(known))):
        rows, found = find(keys(*among), keys(*wanted))
        for key, row, there in zip(wanted, rows.tolist(), found.tolist(), strict=True):
            assert there == (key in among)
            assert not there or among[row] == key
