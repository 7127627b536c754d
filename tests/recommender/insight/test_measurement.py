from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight import measurement
from recommender.insight.evaluation_result import METRICS, MethodResult
from recommender.insight.measurement import measure
from recommender.ranking.metrics import list_metrics

# Three users and five products.
TEST = measurement.TestSet(
    k=3,
    relevant=[np.array([0, 1]), np.array([4]), np.array([2, 0, 3, 1])],
    history=csr_array(np.array([[0, 0, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], np.float32)),
    ages=np.array([10.0, 50.0, 100.0, 500.0, np.nan]),
    popularity=np.array([8, 4, 2, 1, 0]),
    training_users=8,
    listable=np.array([True, True, True, True, False]),
    vectors=np.eye(5, dtype=np.float32),
)


def _lists(*lists: list[int]) -> list[NDArray[np.int64]]:
    return [np.array(products, np.int64) for products in lists]


def _mean(method: MethodResult, metric: str) -> float:
    interval = method.metrics[metric]
    assert interval is not None
    return interval.mean


def test_one_call_measures_all_there_is() -> None:
    lists = _lists([0, 3, 1, 2], [2, 4], [])

    method = measure("mine", "channel", lists, TEST, seconds=1.5, note="as a test")

    assert set(method.metrics) == set(METRICS)
    alone = [
        list_metrics(["0", "3", "1"], {"0", "1"}, 3),
        list_metrics(["2", "4"], {"4"}, 3),
        list_metrics([], {"0", "1", "2", "3"}, 3),
    ]
    for metric in ("ndcg", "recall", "mrr", "hit_rate"):
        assert _mean(method, metric) == pytest.approx(
            np.mean([getattr(scores, metric) for scores in alone])
        )
    assert _mean(method, "coverage") == 1.0, "2 is listed for the second user, 4 does not count"
    assert _mean(method, "diversity") == pytest.approx(1.0)
    assert _mean(method, "novelty") == pytest.approx(
        np.mean([np.mean([0, 3, 1]), np.mean([2, np.log2(9)])])
    )
    assert _mean(method, "popularity_bias") == pytest.approx(
        np.mean([np.mean([0.9, 0.3, 0.7]) - 0.5, np.mean([0.5, 0.1]) - 0.8])
    )
    assert (method.name, method.kind, method.seconds, method.note) == (
        "mine",
        "channel",
        1.5,
        "as a test",
    )


def test_breakdowns_are_by_history_and_by_age() -> None:
    method = measure("mine", "ranker", _lists([0, 1], [4], [2, 0, 3]), TEST)

    history = {
        segment.label: (segment.users, segment.metrics["recall"]) for segment in method.by_history
    }
    assert {label: users for label, (users, _) in history.items()} == {"0": 1, "1-3": 2}
    ages = {segment.label: (segment.users, segment.metrics["recall"]) for segment in method.by_age}
    assert {label: users for label, (users, _) in ages.items()} == {
        "<30": 2,
        "30-90": 2,
        "90-365": 1,
        "365+": 1,
        "untouched": 1,
    }
    middle = ages["30-90"][1]
    assert middle is not None
    assert middle.mean == 0.5


def test_without_a_content_space_there_is_no_diversity() -> None:
    method = measure("mine", "channel", _lists([0, 1], [4], [2]), replace(TEST, vectors=None))

    assert method.metrics["diversity"] is None
    assert method.metrics["ndcg"] is not None


def test_a_method_that_lists_nothing_is_measured_all_the_same() -> None:
    method = measure("none", "channel", _lists([], [], []), TEST)

    assert _mean(method, "ndcg") == _mean(method, "coverage") == 0.0
    assert method.metrics["novelty"] is None


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        (_lists([0], [1]), "2 lists for 3 users"),
        (_lists([0, 0], [1], [2]), "a product twice"),
        (_lists([0], [5], [2]), "no column of the 5 products"),
        (_lists([0], [-1], [2]), "no column of the 5 products"),
    ],
)
def test_lists_that_cannot_be_are_refused(lists: list[NDArray[np.int64]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure("wrong", "channel", lists, TEST)


def test_a_test_set_that_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be 1 or more"):
        replace(TEST, k=0)
    with pytest.raises(ValueError, match="a row for each of the 2 users"):
        replace(TEST, relevant=TEST.relevant[:2])
    with pytest.raises(ValueError, match="a row a product"):
        replace(TEST, ages=np.zeros(4))
    with pytest.raises(ValueError, match="leave the others out"):
        replace(TEST, relevant=[*TEST.relevant[:2], np.array([], np.int64)])
