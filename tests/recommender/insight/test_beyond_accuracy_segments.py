import numpy as np
from scipy.sparse import csr_array

from recommender.insight import beyond_accuracy
from recommender.insight.evaluation_result import Segment
from recommender.ranking.metrics import accuracy


def _means(segments: tuple[Segment, ...], metric: str) -> dict[str, float]:
    means = {}
    for segment in segments:
        interval = segment.metrics[metric]
        assert interval is not None
        means[segment.label] = interval.mean
    return means


def test_users_are_banded_by_how_much_they_had() -> None:
    sizes = np.array([0, 1, 3, 4, 5, 9, 10, 19, 20, 49, 50, 900])
    hits = np.zeros((12, 3), dtype=bool)
    hits[[1, 2], 0] = True

    segments = beyond_accuracy.by_history(accuracy(hits, np.ones(12, np.int64)), sizes)

    labels = {segment.label: segment.users for segment in segments}
    assert labels == {"0": 1, "1-3": 2, "4-9": 3, "10-19": 2, "20-49": 2, "50+": 2}
    recall = _means(segments, "recall")
    assert (recall["0"], recall["1-3"], recall["4-9"]) == (0.0, 1.0, 0.0)
    assert _means(segments, "ndcg")["1-3"] == 1.0


def test_a_band_without_users_is_left_out() -> None:
    hits = np.ones((2, 1), dtype=bool)

    segments = beyond_accuracy.by_history(accuracy(hits, np.ones(2, np.int64)), np.array([3, 60]))

    assert [segment.label for segment in segments] == ["1-3", "50+"]


def test_recall_by_age_counts_only_what_was_wanted_of_that_age() -> None:
    ages = np.array([3.0, 29.9, 30.0, 400.0, np.nan])
    relevant = csr_array(np.array([[1, 1, 1, 0, 0], [0, 0, 0, 1, 1]], float))
    places = np.array([[0, 2, 3], [4, -1, -1]])
    hits = np.array([[True, True, False], [True, False, False]])

    segments = beyond_accuracy.by_age(places, hits, relevant, ages)

    assert _means(segments, "recall") == {"<30": 0.5, "30-90": 1.0, "365+": 0.0, "untouched": 1.0}
    assert {segment.users for segment in segments} == {1}


def test_recall_by_age_is_of_as_many_as_a_list_can_hold() -> None:
    relevant = csr_array(np.ones((1, 4)))

    segments = beyond_accuracy.by_age(
        np.array([[0, 1]]), np.array([[True, True]]), relevant, np.full(4, 100.0)
    )

    assert _means(segments, "recall") == {"90-365": 1.0}


def test_what_came_after_the_cut_off_is_young() -> None:
    segments = beyond_accuracy.by_age(
        np.array([[0]]), np.array([[False]]), csr_array(np.ones((1, 1))), np.array([-5.0])
    )

    assert [segment.label for segment in segments] == ["<30"]
