from datetime import timedelta

from recommender.admin import evaluation_trend
from recommender.admin.evaluation_trend import HEIGHT, WIDTH
from recommender.insight.evaluations import Point
from recommender.ranking.metrics import Interval
from tests.shop import NOON


def point(days: float, ndcg: float, recall: float) -> Point:
    found = (Interval(each, each - 0.01, each + 0.01) for each in (ndcg, recall))
    return Point(NOON + timedelta(days=days), "blend", *found)


def test_lines_go_from_the_first_evaluation_to_the_last_by_time() -> None:
    points = [point(0, 0.1, 0.19), point(1, 0.12, 0.18), point(4, 0.1, 0.17)]

    picture = evaluation_trend.of_points("shop", points)

    ndcg, recall = picture.lines
    assert (picture.top, picture.first, picture.last) == ("0.200", "1 June 2025", "5 June 2025")
    first, second, last = (dot.x for dot in ndcg.dots)
    assert 0 <= first < second < last <= WIDTH
    assert (second - first) * 3 == last - second
    assert abs(ndcg.dots[0].y - HEIGHT / 2) < 0.01, "half of what the upper edge stands for"
    assert recall.dots[0].y < ndcg.dots[0].y
    assert ndcg.dots[1].title == "2 June 2025, blend: NDCG@20 0.1200 (0.1100 to 0.1300)"
    assert len(ndcg.path.split()) == 3
    assert len(ndcg.band.split()) == 6
    assert ndcg.colour != recall.colour


def test_one_evaluation_stands_in_the_middle_and_zeros_at_the_bottom() -> None:
    nothing = Interval(0.0, 0.0, 0.0)

    picture = evaluation_trend.of_points("shop", [Point(NOON, "fusion", nothing, nothing)])

    (dot,) = picture.lines[0].dots
    assert dot.x == WIDTH / 2
    assert HEIGHT - 5 < dot.y < HEIGHT
