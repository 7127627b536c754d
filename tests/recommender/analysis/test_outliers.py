"""Rows that are unlike the others: planted ones are found, and usual ones let be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recommender.analysis import outliers
from recommender.analysis.outliers import OutliersError


def usual(kind: str, rows: int, columns: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(rows, columns))
    return {
        "normal": normal,
        "correlated": normal @ rng.normal(size=(columns, columns)),
        "skewed": np.exp(normal),
        "counts": rng.poisson(2, (rows, columns)).astype(float),
        "heavy tails": rng.standard_t(4, (rows, columns)),
        "two kinds": normal + 8 * (rng.random(rows) < 0.4)[:, None],
    }[kind]


KINDS = ["normal", "correlated", "skewed", "counts", "heavy tails", "two kinds"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wanted", [0.001, 0.01, 0.05])
def test_usual_rows_are_above_the_threshold_about_as_often_as_wanted(kind, wanted):
    found = outliers.find(usual(kind, 5000, 6), wanted)
    assert len(found.odd) / 5000 < 2.5 * wanted + 0.002


@pytest.mark.parametrize("kind", KINDS)
def test_planted_rows_are_found_with_the_columns_that_were_changed(kind):
    rng = np.random.default_rng(3)
    rows = usual(kind, 3000, 8)
    spread = np.quantile(np.abs(rows - np.median(rows, axis=0)), 0.75, axis=0)
    planted = rng.choice(3000, 30, replace=False)
    changed = np.array([rng.choice(8, 2, replace=False) for _ in planted])
    for row, columns in zip(planted, changed, strict=True):
        rows[row, columns] += 20 * spread[columns]
    found = outliers.find(rows, 0.005)
    hits = set(planted.tolist()) & set(found.odd.tolist())
    assert len(hits) >= 27
    assert len(found.odd) <= len(hits) + 0.015 * 3000
    named = [
        {one.column for one in found.columns(row)} >= set(columns.tolist())
        for row, columns in zip(planted, changed, strict=True)
    ]
    assert np.mean(named) > 0.9


def test_a_combination_that_is_unlike_is_found_though_each_number_is_usual():
    rng = np.random.default_rng(0)
    amount = rng.normal(size=1000)
    rows = np.stack([amount, amount + 0.05 * rng.normal(size=1000)], axis=1)
    rows[7] = [1.5, -1.5]
    found = outliers.find(rows)
    assert found.odd[0] == 7


def test_a_column_that_is_mostly_one_value_counts_and_a_constant_one_does_not():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(size=500), np.zeros(500), np.full(500, 3.0)], axis=1)
    rows[11, 1] = 1
    found = outliers.find(rows)
    assert found.constant == [2]
    assert found.scores[11] > np.median(found.scores)


def test_what_the_nearest_rows_have_is_told_in_the_columns_own_numbers():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.normal(30, 5, 400), rng.normal(2, 0.2, 400)], axis=1)
    rows[5, 0] = 980
    (share,) = outliers.find(rows).columns(5)
    assert share.column == 0
    assert 30 < share.usual < 50
    assert share.share > 0.9


@pytest.mark.parametrize(
    ("rows", "why"), [(np.ones((1, 3)), "1 rows"), (np.ones((30, 3)), "equal")]
)
def test_too_few_rows_and_equal_rows_are_refused(rows, why):
    with pytest.raises(OutliersError, match=why):
        outliers.find(rows)


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(20, 40), st.integers(1, 4)),
        elements=st.floats(-1e100, 1e100) | st.just(0.0),
    ),
    st.floats(0.0001, 0.5),
)
def test_any_finite_rows_have_finite_scores(rows, false_alarms):
    if (rows == rows[0]).all():
        return
    found = outliers.find(rows, false_alarms)
    assert np.isfinite(found.scores).all()
    assert (found.scores >= 0).all()
    for row in found.odd[:2]:
        assert all(0 <= one.share <= 1.0001 for one in found.columns(int(row)))


def test_the_order_of_columns_and_their_units_do_not_matter():
    rows = usual("skewed", 800, 4)
    first = outliers.find(rows).scores
    other = outliers.find(rows[:, ::-1] * [1000, 0.01, 7, 1] + [5, 0, -3, 9]).scores
    assert np.allclose(first, other, rtol=1e-6)
