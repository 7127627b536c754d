"""How well a catalog was recommended over time, as a chart: lines with their intervals."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

from recommender.admin.fragments import Chart, Series
from recommender.insight.evaluations import K, Point
from recommender.ranking.metrics import Interval

# Metric: colours of Tailwind for the means and for their intervals, and where a point has it.
_LINES: dict[str, tuple[str, str, Callable[[Point], Interval]]] = {
    f"NDCG@{K}": ("primary-600", "primary-300", lambda point: point.ndcg),
    f"Recall@{K}": ("orange-400", "orange-200", lambda point: point.recall),
}
_MEANS = {"type": "line", "pointStyle": "circle"}
# Grouped: those of one evaluation stand side by side.
_INTERVALS = {"grouped": True, "barThickness": 3}


def of_points(name: str, points: Sequence[Point]) -> Chart:
    """The chart of one evaluation or more, the oldest first; each day between has its place."""
    first, last = points[0].at.date(), points[-1].at.date()
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    return Chart(
        name,
        "with 95 % intervals",
        [_day(day) for day in days],
        [*_means(points), *_intervals(points)],
    )


def _means(points: Sequence[Point]) -> Iterator[Series]:
    for metric, (colour, _, of) in _LINES.items():
        values = [_place(point, of(point).mean) for point in points]
        yield Series(metric, colour, values, _MEANS)


def _intervals(points: Sequence[Point]) -> Iterator[Series]:
    for metric, (_, colour, of) in _LINES.items():
        # Rounded, for Chart.js shows both ends just as they are.
        values = [
            _place(point, [round(of(point).low, 4), round(of(point).high, 4)]) for point in points
        ]
        yield Series(f"{metric}, 95 % interval", colour, values, _INTERVALS)


def _place(point: Point, value: float | list[float]) -> dict[str, object]:
    return {"x": _day(point.at), "y": value}


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"
