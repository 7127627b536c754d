import numpy as np
import pytest

from recommender.analysis import clusters, nearest
from recommender.analysis.cluster_profile import profiles

# Three rows near the first axis, the third of them half-way to the second; one on the second.
VECTORS = nearest.units(np.float32([[1, 0.0], [1, 0.1], [1, 0.9], [0, 1]]))
CENTROIDS = np.float32([[1, 0], [0, 1]])
FOUND = clusters.assign(VECTORS, CENTROIDS)
NOTHING = np.zeros(4)


def test_a_cluster_is_described() -> None:
    sales, before = np.array([3.0, 0, 0, 1]), np.array([2.0, 0, 0, 0])

    first, second = profiles(CENTROIDS, FOUND, sales, before)

    assert (first.size, first.share, first.neighbour) == (3, 0.75, 1)
    assert first.typical == [0, 1, 2]
    assert first.border == [2, 1, 0]
    assert first.separation == pytest.approx(1.0)
    assert (first.sales, first.sales_share, first.growth) == (3.0, 0.75, 0.5)
    assert (second.cohesion, second.growth) == (pytest.approx(1.0), None)


def test_where_nothing_was_sold_there_are_no_shares_of_it() -> None:
    first, _ = profiles(CENTROIDS, FOUND, NOTHING, NOTHING)

    assert (first.sales, first.sales_share, first.growth) == (0.0, None, None)


def test_a_single_cluster_has_no_neighbour() -> None:
    (only,) = profiles(CENTROIDS[:1], clusters.assign(VECTORS, CENTROIDS[:1]), NOTHING, NOTHING)

    assert (only.neighbour, only.separation, only.share) == (-1, 1.0, 1.0)


def test_no_more_are_shown_than_wanted() -> None:
    first, _ = profiles(CENTROIDS, FOUND, NOTHING, NOTHING, shown=2)

    assert first.typical == [0, 1]
    assert first.border == [2, 1]
