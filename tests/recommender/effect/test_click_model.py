import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from recommender.effect import click_model

COUNTS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=8).map(
    lambda pairs: np.array(pairs, dtype=np.float64).T
)


@given(COUNTS)
def test_means_ascend_and_fit_as_well_as_they_can(counts: np.ndarray) -> None:
    sums, weights = counts
    found = click_model.isotonic(sums[None], weights[None])[0]
    assert found == pytest.approx(isotonic_regression(sums / weights, weights=weights).x)


def test_what_nothing_is_known_of_takes_after_what_is_above_it() -> None:
    sums, weights = np.array([[0.0, 1, 0, 6]]), np.array([[0.0, 2, 0, 3]])
    assert click_model.isotonic(sums, weights)[0].tolist() == [0.5, 0.5, 2.0, 2.0]
    assert click_model.isotonic(np.zeros((1, 3)), np.zeros((1, 3)))[0].tolist() == [0, 0, 0]


def test_a_planted_model_is_found_though_good_items_stand_first() -> None:
    examination, attraction = np.array([1, 0.6, 0.4, 0.2]), np.array([0.02, 0.1, 0.3])
    shown = np.array([[100.0, 300, 600], [300, 300, 400], [500, 300, 200], [700, 200, 100]])
    clicks = shown * examination[:, None] * attraction

    model = click_model.fit(np.stack([shown, 2 * shown]), np.stack([clicks, 2 * clicks]))

    for table in range(2):
        assert model.examination[table] == pytest.approx(examination, rel=0.02)
        assert model.attraction[table] == pytest.approx(attraction, rel=0.02)


def test_without_clicks_nothing_attracts() -> None:
    model = click_model.fit(np.full((1, 3, 2), 5.0), np.zeros((1, 3, 2)))
    assert model.attraction.tolist() == [[0, 0]]
    assert np.isfinite(model.examination).all()
