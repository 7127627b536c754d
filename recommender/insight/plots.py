"""The pictures of an evaluation: SVG text to put into a page, drawn by matplotlib.

The same evaluation gives the same text. Colours are Okabe & Ito's, which colour-blind readers tell
apart, and no colour stands alone: a marker, a label or a number says the same.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from textwrap import fill

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from recommender.insight.evaluation_result import Evaluation, Kind, MethodResult, Segment
from recommender.ranking.metrics import Interval

_WIDTH = 9.0  # inches
# A picture of segments with more methods cannot be read.
METHODS = 6
_KINDS: dict[Kind, tuple[str, str]] = {
    "ranker": ("#D55E00", "D"),
    "channel": ("#0072B2", "o"),
    "baseline": ("#595959", "s"),
}
_LINES = (
    ("#D55E00", "D"),
    ("#0072B2", "o"),
    ("#009E73", "s"),
    ("#CC79A7", "^"),
    ("#E69F00", "v"),
    ("#000000", "P"),
)


def accuracy(evaluation: Evaluation) -> str:
    """NDCG of every method with its interval, best first."""
    methods = _measured(evaluation)
    with _figure(1.3 + 0.38 * len(methods)) as figure:
        axes = figure.subplots()
        for row, method in enumerate(methods):
            colour, marker = _KINDS[method.kind]
            _point(axes, (method.ndcg, row), method.metrics["ndcg"], colour, marker)
        names = [f"{fill(method.name, 34)}  {row}" for row, method in enumerate(methods, start=1)]
        axes.set_yticks(range(len(methods)), names)
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"NDCG@{evaluation.k} with its 95 % interval")
        _kinds_legend(figure, methods)
        shown = "; ".join(f"{method.name} {method.ndcg:.4f}" for method in methods)
        return _svg(figure, "accuracy", f"NDCG@{evaluation.k} by method, best first: {shown}.")


def by_history(evaluation: Evaluation) -> str:
    """Recall of the best methods by how much history a user has."""
    segments = {method.name: method.by_history for method in _measured(evaluation)[:METHODS]}
    return _segments(segments, evaluation.k, "Distinct products in the user's history")


def by_age(evaluation: Evaluation) -> str:
    """Recall of the best methods by how old the wanted product is."""
    segments = {method.name: method.by_age for method in _measured(evaluation)[:METHODS]}
    return _segments(segments, evaluation.k, "Age in days of the wanted product at the cut-off")


def trade_offs(evaluation: Evaluation) -> str:
    """NDCG against coverage and against novelty; a number is a method's row in the table."""
    methods = _measured(evaluation)
    with _figure(4.2) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        _scatter(left, methods, "coverage", "Catalog coverage")
        _scatter(right, methods, "novelty", "Novelty in bits")
        left.set_ylabel(f"NDCG@{evaluation.k}")
        _kinds_legend(figure, methods)
        alt = f"NDCG@{evaluation.k} against coverage and against novelty of {len(methods)} methods."
        return _svg(figure, "trade-offs", f"{alt} The table holds the numbers.")


def _measured(evaluation: Evaluation) -> list[MethodResult]:
    return [method for method in evaluation.ranked if method.metrics.get("ndcg") is not None]


def _segments(segments: Mapping[str, Sequence[Segment]], k: int, label: str) -> str:
    """Recall by segment, side by side, of the methods named."""
    users = {
        segment.label: segment.users for of_method in segments.values() for segment in of_method
    }
    places = {name: place for place, name in enumerate(users)}
    with _figure(4.6) as figure:
        axes = figure.subplots()
        for number, (name, of_method) in enumerate(segments.items()):
            colour, marker = _LINES[number]
            aside = (number - (len(segments) - 1) / 2) * 0.8 / METHODS
            for segment in of_method:
                recall = segment.metrics["recall"]
                if recall is not None:
                    point = (places[segment.label] + aside, recall.mean)
                    _point(axes, point, recall, colour, marker, upright=True)
            axes.plot([], [], marker, color=colour, label=fill(name, 40))
        ticks = [f"{_dashed(segment)}\n{count:,} users" for segment, count in users.items()]
        axes.set_xticks(range(len(ticks)), ticks)
        axes.grid(visible=False, axis="x")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(label)
        axes.set_ylabel(f"Recall@{k} with its 95 % interval")
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
        named = ", ".join(segments)
        return _svg(figure, label, f"Recall@{k} by {label.lower()}, of {named}. Tables below.")


def _scatter(axes: Axes, methods: Sequence[MethodResult], metric: str, label: str) -> None:
    for number, method in enumerate(methods, start=1):
        across = method.metrics.get(metric)
        if across is not None:
            colour, marker = _KINDS[method.kind]
            axes.plot(across.mean, method.ndcg, marker, color=colour)
            # Neighbours in rank are near one another: their numbers go to different sides.
            aside = (5, 4 if number % 2 else -11)
            place = (across.mean, method.ndcg)
            axes.annotate(str(number), place, xytext=aside, textcoords="offset points")
    axes.margins(0.1)
    axes.set_xlabel(label)


def _point(
    axes: Axes,
    at: tuple[float, float],
    interval: Interval | None,
    colour: str,
    marker: str,
    *,
    upright: bool = False,
) -> None:
    """A mean with the ends of its interval as whiskers."""
    if interval is None:
        return
    # Rounding may put an end of an interval without width beyond its mean.
    ends = [[max(interval.mean - interval.low, 0.0)], [max(interval.high - interval.mean, 0.0)]]
    axes.errorbar(
        *at,
        xerr=None if upright else ends,
        yerr=ends if upright else None,
        fmt=marker,
        color=colour,
        capsize=3,
        clip_on=False,  # a marker at 0 is whole
    )


def _kinds_legend(figure: Figure, methods: Sequence[MethodResult]) -> None:
    kinds = dict.fromkeys(method.kind for method in methods)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=kind)
        for kind, (colour, marker) in _KINDS.items()
        if kind in kinds
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False)


def _dashed(segment: str) -> str:
    return segment.replace("-", "–")


@contextmanager
def _figure(height: float) -> Iterator[Figure]:
    style = mpl.rc_context(
        {
            "svg.hashsalt": "kinship",
            "svg.fonttype": "path",  # a page looks the same whatever fonts its reader has
            "text.parse_math": False,  # a $ in a name is a $
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E2E2E2",
        }
    )
    with style:
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure


def _svg(figure: Figure, name: str, alt: str) -> str:
    """The drawing as an element of a page; ids carry its name, as a page holds several drawings."""
    stream = io.StringIO()
    unsaid = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", metadata=unsaid)
    drawing = stream.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    prefix = name.split(maxsplit=1)[0].lower()
    for reference in ('id="', 'href="#', "url(#"):
        drawing = drawing.replace(reference, f"{reference}{prefix}-")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
