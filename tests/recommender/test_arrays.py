from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import arrays, database
from recommender.arrays import array_of_bytes, pack_arrays, unpack_arrays

LONG = 2**63 - 1


@pytest.mark.parametrize("numbers", [[], [1], [-LONG, 0, LONG]])
def test_whole_numbers_arrive_as_they_were_sent(db, numbers):
    sent = database.fetch("SELECT array_send(%s::bigint[])", (numbers,))[0][0]
    assert arrays.ints(sent).tolist() == numbers


def test_fractions_arrive_as_they_were_sent(db):
    sent = database.fetch(
        "SELECT array_send(%s::float8[]), array_send(%s::float4[])", ([0.1], [0.5])
    )
    assert arrays.floats(sent[0][0]).tolist() == [0.1]
    assert arrays.singles(sent[0][1]).tolist() == [0.5]


def test_what_is_null_is_empty():
    assert arrays.ints(None).tolist() == []


@pytest.mark.parametrize("lists", [[[]], [[1, 2], [], [3]]])
def test_arrays_are_read_together(db, lists):
    sent = [
        database.fetch(
            "SELECT array_send(%s::bigint[]), array_send(%s::float8[])", (values, values)
        )[0]
        for values in lists
    ]
    numbers = [number for values in lists for number in values]
    assert arrays.joined_ints([ints for ints, _ in sent]).tolist() == numbers
    assert arrays.joined_floats([floats for _, floats in sent]).tolist() == numbers
    assert [arrays.length(ints) for ints, _ in sent] == [len(values) for values in lists]


def keys(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_the_heaviest_labels_come_first_and_none_is_no_label():
    assert arrays.heaviest(keys(4, 0, 2, 4), np.array([1.0, 9, 1.5, 1]), 5) == [4, 2]
    assert arrays.heaviest(keys(4, 2), np.array([1.0, 2]), 1) == [2]
    assert arrays.heaviest(keys(), np.array([]), 3) == []


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50)))
def test_places_are_those_of_equal_keys(known, wanted):
    for find, among in ((arrays.places, known), (arrays.sorted_places, sorted(known))):
        rows, present = find(keys(*among), keys(*wanted))
        for key, row, there in zip(wanted, rows.tolist(), present.tolist(), strict=True):
            assert there == (key in among)
            assert not there or among[row] == key


def test_every_finite_half_is_widened_to_the_same_number():
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(2, -1)
    assert arrays.widened(halves).tobytes() == halves.astype(np.float32).tobytes()


def test_arrays_come_back_as_they_were():
    arrays = {"names": np.array(["a", "ü"]), "means": np.array([1.5]), "nothing": np.zeros(0)}
    back = unpack_arrays(pack_arrays(arrays))
    assert {name: array.tolist() for name, array in back.items()} == {
        "names": ["a", "ü"],
        "means": [1.5],
        "nothing": [],
    }


def test_bytes_come_back_as_they_were():
    packed = pack_arrays({"model": array_of_bytes(b"tree\x00\xff")})
    assert unpack_arrays(packed)["model"].tobytes() == b"tree\x00\xff"


def test_objects_are_refused_as_reading_them_would_run_code():
    buffer = BytesIO()
    np.savez(buffer, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        unpack_arrays(buffer.getvalue())


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(0, 45))
def test_the_largest_are_those_that_a_stable_sort_puts_first(numbers, limit):
    values = np.array(numbers, dtype=np.float64)
    expected = np.argsort(-values, kind="stable")[:limit]
    assert arrays.largest(values, limit).tolist() == expected.tolist()


@given(st.lists(st.integers(-5, 5), max_size=40))
def test_distinct_keys_ascend_and_each_key_is_found_among_them(numbers):
    keys = np.array(numbers, dtype=np.int64)
    distinct, rows = arrays.distinct(keys)
    assert distinct.tolist() == sorted(set(numbers))
    assert distinct[rows].tolist() == numbers


@given(st.integers(0, 4), st.integers(0, 6), st.integers(1, 4), st.randoms())
def test_the_largest_of_each_row_are_those_of_the_row_alone(rows, columns, limit, random):
    values = np.array(
        [[random.randint(0, 3) for _ in range(columns)] for _ in range(rows)], dtype=np.float64
    ).reshape(rows, columns)
    places, amounts = arrays.largest_of_rows(values, limit)
    assert places.tolist() == [arrays.largest(row, limit).tolist() for row in values]
    assert amounts.tolist() == [sorted(row, reverse=True)[:limit] for row in values.tolist()]
