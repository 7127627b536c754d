"""How well a catalogue was recommended over time, as a picture: lines with their intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recommender.insight.evaluations import K, Point
from recommender.ranking.metrics import Interval

# In units of the SVG.
WIDTH, HEIGHT = 600, 120
_RADIUS = 2.5
# Metric: colour of Tailwind, and where a point has it.
_LINES: dict[str, tuple[str, Callable[[Point], Interval]]] = {
    f"NDCG@{K}": ("primary-600", lambda point: point.ndcg),
    f"Recall@{K}": ("orange-400", lambda point: point.recall),
}


@dataclass(frozen=True, slots=True)
class Dot:
    """One evaluation's value, in units of the SVG."""

    x: float
    y: float
    title: str

    radius = _RADIUS


@dataclass(frozen=True, slots=True)
class Line:
    """A metric over time: its dots, and the band in which the means lie, as SVG points."""

    name: str
    colour: str
    dots: Sequence[Dot]
    path: str
    band: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The lines of one catalogue and mode; `top` is what the upper edge stands for."""

    name: str
    top: str
    first: str
    last: str
    lines: Sequence[Line]

    width, height = WIDTH, HEIGHT


def of_points(name: str, points: Sequence[Point]) -> Picture:
    """The picture of one evaluation or more, the oldest first."""
    highest = max(of(point).high for point in points for _, of in _LINES.values()) or 1.0
    return Picture(
        name=name,
        top=f"{highest:.3f}",
        first=f"{points[0].at:%-d %B %Y}",
        last=f"{points[-1].at:%-d %B %Y}",
        lines=[_line(metric, points, highest) for metric in _LINES],
    )


def _line(metric: str, points: Sequence[Point], highest: float) -> Line:
    colour, of = _LINES[metric]
    across = _places(points)

    def y(value: float) -> float:
        return _RADIUS + (HEIGHT - 2 * _RADIUS) * (1 - value / highest)

    found = [of(point) for point in points]
    dots = [
        Dot(x, y(each.mean), _title(metric, point, each))
        for x, point, each in zip(across, points, found, strict=True)
    ]
    upper = [(x, y(each.high)) for x, each in zip(across, found, strict=True)]
    lower = [(x, y(each.low)) for x, each in zip(across, found, strict=True)]
    return Line(
        metric,
        colour,
        dots,
        path=_svg([(dot.x, dot.y) for dot in dots]),
        band=_svg([*upper, *reversed(lower)]),
    )


def _places(points: Sequence[Point]) -> list[float]:
    """Where the times lie from left to right."""
    first, last = points[0].at, points[-1].at
    seconds = (last - first).total_seconds()
    width = WIDTH - 2 * _RADIUS
    if not seconds:
        return [WIDTH / 2] * len(points)
    return [_RADIUS + width * (each.at - first).total_seconds() / seconds for each in points]


def _title(metric: str, point: Point, found: Interval) -> str:
    return (
        f"{point.at:%-d %B %Y}, {point.ranker}: {metric} {found.mean:.4f} "
        f"({found.low:.4f} to {found.high:.4f})"
    )


def _svg(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
