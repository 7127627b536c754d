import json
from datetime import timedelta

from recommender.admin import evaluation
from recommender.insight.evaluations import Point
from recommender.ranking.metrics import Interval
from tests.shop import NOON


def point(days: float, ndcg: float, recall: float) -> Point:
    intervals = (Interval(mean, mean - 0.125, mean + 0.125) for mean in (ndcg, recall))
    return Point(NOON + timedelta(days=days), "blend", *intervals)


def test_means_and_intervals_stand_at_the_days_of_their_evaluations() -> None:
    points = [point(0, 0.25, 0.5), point(1, 0.375, 0.5), point(3, 0.25, 0.5)]

    chart = json.loads(evaluation.trend_chart("shop", points).data)

    assert chart["labels"] == ["1 Jun 2025", "2 Jun 2025", "3 Jun 2025", "4 Jun 2025"]
    ndcg, recall, ndcg_interval, recall_interval = chart["datasets"]
    assert (ndcg["label"], ndcg["type"]) == ("NDCG@20", "line")
    assert ndcg["data"] == [
        {"x": "1 Jun 2025", "y": 0.25},
        {"x": "2 Jun 2025", "y": 0.375},
        {"x": "4 Jun 2025", "y": 0.25},
    ]
    assert recall["label"] == "Recall@20"
    assert ndcg_interval["label"] == "NDCG@20, 95 % interval"
    assert ndcg_interval["data"][1] == {"x": "2 Jun 2025", "y": [0.25, 0.5]}
    assert recall_interval["data"][0] == {"x": "1 Jun 2025", "y": [0.375, 0.625]}
    assert len({dataset["backgroundColor"] for dataset in chart["datasets"]}) == 4


def test_the_ends_of_an_interval_are_shown_to_four_digits() -> None:
    interval = Interval(0.12, 0.12 - 1e-9, 0.12 + 1 / 30)

    chart = json.loads(evaluation.trend_chart("shop", [Point(NOON, "a", interval, interval)]).data)

    assert chart["datasets"][2]["data"][0]["y"] == [0.12, 0.1533]


def test_two_evaluations_of_a_day_share_its_place() -> None:
    points = [point(0, 0.25, 0.5), point(0.1, 0.375, 0.5)]

    chart = json.loads(evaluation.trend_chart("shop", points).data)

    assert chart["labels"] == ["1 Jun 2025"]
    assert [entry["y"] for entry in chart["datasets"][0]["data"]] == [0.25, 0.375]
