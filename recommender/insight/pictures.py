"""Pictures of runs, as PNG, drawn by matplotlib; the same run gives the same picture.

Colours are told apart by colour-blind readers as far as so many can be, and each cluster has its
name where it lies, too.
"""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

_WIDTH, _HEIGHT, _DOTS_PER_INCH = 9.0, 7.0, 110
# Names of more clusters would cover the points.
_NAMED = 30
_BAR = 0.28  # inches


def map_picture(
    places: NDArray[np.float64], labels: NDArray[np.integer], names: Sequence[str]
) -> bytes:
    """Points, shape (n, 2), in the colours of their clusters, the largest of which have names."""
    figure = _figure(_HEIGHT)
    axes = figure.subplots()
    size = float(np.clip(40_000 / max(len(places), 1), 0.3, 30.0))
    colours = np.array([_colour(number) for number in range(len(names))])
    axes.scatter(places[:, 0], places[:, 1], s=size, c=colours[labels], linewidths=0)
    sizes = np.bincount(labels, minlength=len(names))
    for cluster in np.argsort(-sizes, kind="stable")[:_NAMED]:
        if sizes[cluster]:
            middle = np.median(places[labels == cluster], axis=0)
            _name(axes, (float(middle[0]), float(middle[1])), names[cluster])
    axes.invert_yaxis()  # as on a screen
    axes.set_axis_off()
    return _png(figure)


def bars_picture(names: Sequence[str], sizes: Sequence[int], cohesions: Sequence[float]) -> bytes:
    """A bar for each cluster, the largest first, as long as it has products, with its cohesion."""
    names, sizes, cohesions = names[:_NAMED], sizes[:_NAMED], cohesions[:_NAMED]
    figure = _figure(1.0 + _BAR * len(names))
    axes = figure.subplots()
    axes.barh(range(len(names)), sizes, color="#0072B2")
    for row, (size, cohesion) in enumerate(zip(sizes, cohesions, strict=True)):
        axes.text(size, row, f" {cohesion:.2f}", va="center", fontsize=8)
    axes.set_yticks(range(len(names)), [name or "no name" for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("Products; beside each bar its cohesion")
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def _colour(number: int) -> tuple[float, float, float]:
    """By the golden angle, as on the admin's map."""
    hue = (number * 137.508) % 360 / 360
    value = (0.75, 0.95, 0.55)[number // 12 % 3]
    red, green, blue = mpl.colors.hsv_to_rgb((hue, 0.65, value))
    return float(red), float(green), float(blue)


def _name(axes: Axes, place: tuple[float, float], name: str) -> None:
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    axes.text(*place, name, fontsize=7, ha="center", va="center", bbox=box)


def _figure(height: float) -> Figure:
    figure = Figure(figsize=(_WIDTH, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
