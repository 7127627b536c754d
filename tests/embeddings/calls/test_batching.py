from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls.batching import runs, split


@given(rows=st.lists(st.integers()), max_rows=st.integers(1, 12))
def test_splitting_keeps_every_row_once_and_in_order(rows: list[int], max_rows: int) -> None:
    assert [row for part in split(rows, max_rows) for row in part] == rows


@given(rows=st.lists(st.integers(), min_size=1), max_rows=st.integers(1, 12))
def test_every_part_is_full_but_the_last(rows: list[int], max_rows: int) -> None:
    *full, last = map(len, split(rows, max_rows))

    assert set(full) <= {max_rows}
    assert 0 < last <= max_rows


def test_nothing_splits_into_nothing() -> None:
    assert list(split([], 5)) == []
    assert list(runs([], 5, None)) == []
    assert list(runs([], 5, 100)) == []


some_limit = st.none() | st.integers(1, 300)


@given(sizes=st.lists(st.integers(1, 100)), max_rows=st.integers(1, 12), max_size=some_limit)
def test_runs_hold_every_row_once_and_in_order(
    sizes: list[int], max_rows: int, max_size: int | None
) -> None:
    assert [row for run in runs(sizes, max_rows, max_size) for row in run] == list(
        range(len(sizes))
    )


@given(sizes=st.lists(st.integers(1, 100)), max_rows=st.integers(1, 12), max_size=some_limit)
def test_no_run_is_larger_than_a_call_may_be_but_for_a_row_that_is(
    sizes: list[int], max_rows: int, max_size: int | None
) -> None:
    for run in runs(sizes, max_rows, max_size):
        assert 1 <= len(run) <= max_rows
        total = sum(sizes[run.start : run.stop])
        assert max_size is None or total <= max_size or len(run) == 1


@given(sizes=st.lists(st.integers(1, 100)), max_rows=st.integers(1, 12), max_size=some_limit)
def test_no_run_could_take_the_row_after_it(
    sizes: list[int], max_rows: int, max_size: int | None
) -> None:
    for run in list(runs(sizes, max_rows, max_size))[:-1]:
        total = sum(sizes[run.start : run.stop + 1])
        assert len(run) == max_rows or (max_size is not None and total > max_size)


def test_a_model_that_takes_one_combination_a_call_gets_one() -> None:
    assert list(runs([5, 5, 5], 1, None)) == [range(1), range(1, 2), range(2, 3)]
