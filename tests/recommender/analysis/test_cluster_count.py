import pytest

from recommender.analysis import cluster_count
from tests.recommender.analysis.clouds import clouds


@pytest.mark.parametrize("count", [2, 4, 8, 12])
def test_as_many_clusters_are_chosen_as_there_are_clouds(count: int) -> None:
    k, tried = cluster_count.choose(clouds(count, 40)[0])

    assert k == count
    best = next(one for one in tried if one.k == k)
    assert best.stability == pytest.approx(1.0)
    assert best.silhouette > 0.8


def test_a_number_between_those_tried_first_is_found() -> None:
    assert cluster_count.choose(clouds(14, 40)[0])[0] == 14


def test_it_is_told_how_many_numbers_were_tried() -> None:
    told: list[tuple[int, int]] = []

    cluster_count.choose(clouds(3, 20)[0], lambda done, total: told.append((done, total)))

    assert told[0][0] == 0
    assert {total for _, total in told} == {told[0][1]}


def test_two_rows_are_two_clusters() -> None:
    assert cluster_count.choose(clouds(2, 1)[0]) == (2, [])


def test_one_row_has_none() -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        cluster_count.choose(clouds(1, 1)[0])
