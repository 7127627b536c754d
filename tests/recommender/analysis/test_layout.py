import numpy as np
import pytest

from recommender.analysis import layout
from tests.recommender.analysis.clouds import clouds


def share_of_own_cloud_among_the_nearest(places: np.ndarray, labels: np.ndarray) -> float:
    """Of the ten nearest places of each of a few hundred rows."""
    asked = places[:300]
    distances = ((asked[:, None] - places[None]) ** 2).sum(axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:11]
    return float((labels[nearest] == labels[:300, None]).mean())


@pytest.mark.parametrize("each", [40, 700])
def test_what_is_alike_is_near(each: int) -> None:
    """By landmarks as well as directly."""
    vectors, labels = clouds(5, each)

    places = layout.layout(vectors)

    assert places.shape == (5 * each, 2)
    assert share_of_own_cloud_among_the_nearest(places, labels) > 0.95


def test_places_are_on_the_map_and_fill_it() -> None:
    places = layout.layout(clouds(3, 30)[0])

    assert places.min() >= 0
    assert places.max() <= 1
    assert np.ptp(places, axis=0).max() == pytest.approx(1)


def test_the_same_vectors_make_the_same_map() -> None:
    vectors, _ = clouds(3, 20)

    assert np.array_equal(layout.layout(vectors), layout.layout(vectors))


@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6])
def test_few_rows_have_a_map_too(rows: int) -> None:
    places = layout.layout(clouds(6, 1)[0][:rows])

    assert places.shape == (rows, 2)
    assert np.isfinite(places).all()


def test_equal_rows_are_in_one_place() -> None:
    assert np.allclose(layout.layout(np.tile(np.float32([0.6, 0.8]), (3, 1))), 0.5)


def test_one_row_has_no_map() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        layout.layout(clouds(1, 1)[0])
