import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis import nearest
from recommender.analysis.nearest import VectorsError


@given(st.integers(0, 60), st.integers(1, 8), st.integers(0, 2**32))
def test_neighbours_are_the_most_similar_others(rows: int, k: int, seed: int) -> None:
    unit = nearest.units(np.random.default_rng(seed).standard_normal((rows, 5), dtype=np.float32))
    found = nearest.neighbours(unit, k)
    similarities = unit @ unit.T
    np.fill_diagonal(similarities, -np.inf)
    best = -np.sort(-similarities, axis=1)[:, :k]
    width = max(min(k, rows - 1), 0)
    np.testing.assert_allclose(found.similarities[:, :width], best[:, :width], atol=1e-5)
    assert not (found.places == np.arange(rows)[:, None]).any()


def test_cells_find_what_comparing_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((60, 24), dtype=np.float32)
    noise = 0.5 * rng.standard_normal((3_000, 24), dtype=np.float32)
    unit = nearest.units(centres[rng.integers(60, size=3_000)] + noise)
    exact = nearest.neighbours(unit, 5)
    monkeypatch.setattr(nearest, "_MOST_EXACT", 100)
    in_cells = nearest.neighbours(unit, 5)
    assert (in_cells.places[:, 0] == exact.places[:, 0]).mean() > 0.95


def test_a_product_without_a_vector_has_no_neighbours_and_is_none() -> None:
    unit = np.array([[1, 0], [0, 0], [0.6, 0.8]], dtype=np.float32)
    found = nearest.neighbours(unit, 3)
    assert found.places.tolist() == [[2, -1, -1], [-1, -1, -1], [0, -1, -1]]


def test_numbers_that_are_none_are_refused_by_their_row() -> None:
    with pytest.raises(VectorsError, match="row 1"):
        nearest.units(np.array([[1, 0], [np.nan, 0]], dtype=np.float32))


def test_equal_vectors_are_refused() -> None:
    with pytest.raises(VectorsError, match="equal"):
        nearest.check_distinct(nearest.units(np.ones((3, 4), dtype=np.float32)))
    nearest.check_distinct(nearest.units(np.eye(3, dtype=np.float32)))
