import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls.batching import embed_all, runs, split
from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Role


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


def test_more_inputs_than_a_call_takes_come_back_whole_and_in_order() -> None:
    embedder = FakeEmbedder(16)
    inputs = [Input(text=f"product {number}") for number in range(2 * embedder.spec.max_rows + 3)]

    found = embed_all(embedder, inputs, Role.DOCUMENT)

    assert found.vectors.shape == (len(inputs), 16)
    assert found.usage.tokens == 2 * len(inputs)
    for row in (0, embedder.spec.max_rows, len(inputs) - 1):
        alone = embedder.embed([inputs[row]], Role.DOCUMENT).vectors[0]
        np.testing.assert_array_equal(found.vectors[row], alone)


def test_no_inputs_give_no_vectors_and_cost_nothing() -> None:
    found = embed_all(FakeEmbedder(16), [], Role.QUERY)

    assert found.vectors.shape == (0, 16)
    assert found.usage.tokens == 0
