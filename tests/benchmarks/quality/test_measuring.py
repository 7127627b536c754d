"""Recall and NDCG under the protocol of a set, by hand and by property."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality import formats
from benchmarks.quality.dataset import Dataset
from benchmarks.quality.measuring import measure, per_user
from tests.benchmarks.quality import folders


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two products are wanted of each user."""
    (one,) = formats.found(folders.lightgcn(tmp_path / "gowalla"))
    return one.prepare()


def test_lists_of_what_is_wanted_are_perfect(dataset: Dataset) -> None:
    lists = [dataset.wanted[[row]].indices.astype(np.int64) for row in dataset.tested]

    measured = measure(lists, dataset)

    assert {figure.mean for figure in measured.figures.values()} == {1.0}
    assert set(measured.figures) == {"recall@10", "ndcg@10", "recall@20", "ndcg@20"}


def test_a_hit_at_the_second_of_two_places_is_worth_what_the_formula_says(dataset: Dataset) -> None:
    lists = []
    for row in dataset.tested:
        hit = int(dataset.wanted[[row]].indices[0])
        miss = next(p for p in range(dataset.shape[1]) if p not in dataset.wanted[[row]].indices)
        lists.append(np.array([miss, hit]))

    measured = measure(lists, dataset)

    assert measured.figures["recall@10"].mean == pytest.approx(0.5)
    worth = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    assert measured.figures["ndcg@20"].mean == pytest.approx(worth)


def test_no_list_finds_nothing_and_covers_nothing(dataset: Dataset) -> None:
    measured = measure([np.zeros(0, np.int64)] * len(dataset.tested), dataset)

    assert {figure.mean for figure in measured.figures.values()} == {0.0}
    assert measured.coverage == 0.0


@given(
    hits=st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=8),
    more=st.integers(0, 9),
)
def test_recall_capped_by_the_list_is_never_less(hits: list[list[bool]], more: int) -> None:
    places = np.array(hits)
    n_wanted = np.maximum(places.sum(axis=1) + more, 1)

    plain, capped = (per_user(places, n_wanted, is_capped=is_capped) for is_capped in (False, True))

    assert np.all(plain["recall"] <= capped["recall"])
    assert np.all(capped["recall"] <= 1)
    assert np.array_equal(plain["ndcg"], capped["ndcg"])
    fits = n_wanted <= 5
    assert np.array_equal(plain["recall"][fits], capped["recall"][fits])


def test_what_is_known_is_not_wanted_unless_the_set_repeats(dataset: Dataset) -> None:
    row = int(dataset.tested[0])
    again = replace(dataset, found=dataset.known)

    assert not again.wanted[[row]].nnz
    assert replace(again, repeats=True).wanted[[row]].nnz == dataset.matrix[[row]].nnz
