"""A month of the ledger as pictures: columns of the days, and a small one for each line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from recommender.admin.spend_month import Line, Month, Took, total

# The pictures' height; a day's slot is 10 wide, in units of the SVG.
HEIGHT = 60
_SLOT, _BAR = 10, 8
# Of Tailwind: the first lines have one each, all others share the last.
_COLOURS = ("primary-600", "blue-500", "green-500", "orange-400")
_OTHERS = "base-400"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a day's column, in units of the SVG."""

    x: int
    y: float
    height: float
    colour: str
    title: str

    width = _BAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Columns of segments, one for each day; `top` is what the tallest column stands for."""

    name: str
    top: str
    width: int
    segments: Sequence[Segment]
    legend: Sequence[tuple[str, str]] = ()

    height = HEIGHT


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    colour: str
    days: Mapping[date, Took]


def of_month(month: Month) -> Picture:
    """The days of a month, stacked by line: their cost; their tokens where nothing cost any.

    What is free would be as nothing beside money: `of_line` shows it.
    """
    is_free = not month.total.cost
    series = _series([line for line in month.lines if is_free or line.total.cost])
    legend = [(each.name, each.colour) for each in series]
    return _stacked(month.days, series, is_free=is_free, legend=legend)


def of_line(month: Month, line: Line) -> Picture:
    """The tokens of one line, to its own scale."""
    series = [_Series(str(line), _COLOURS[0], line.days)]
    return _stacked(month.days, series, is_free=True)


def dollars(cost: Decimal) -> str:
    """To the cent from a dollar on, finer below."""
    return f"${cost:,.2f}" if cost >= 1 or not cost else f"${cost:,.4f}"


def _series(lines: Sequence[Line]) -> list[_Series]:
    """A colour for each of the first lines, and one for all the others."""
    own, others = lines[: len(_COLOURS)], lines[len(_COLOURS) :]
    found = [
        _Series(str(line), colour, line.days) for line, colour in zip(own, _COLOURS, strict=False)
    ]
    if others:
        days = {day for line in others for day in line.days}
        took = {day: total(line.days.get(day, Took()) for line in others) for day in days}
        found.append(_Series(f"{len(others)} more", _OTHERS, took))
    return found


def _stacked(
    days: Sequence[date],
    series: Sequence[_Series],
    *,
    is_free: bool,
    legend: Sequence[tuple[str, str]] = (),
) -> Picture:
    def size(took: Took) -> float:
        return took.tokens if is_free else float(took.cost)

    columns = [total(each.days.get(day, Took()) for each in series) for day in days]
    tallest = max(columns, key=size)
    scale = HEIGHT / (size(tallest) or 1)
    segments = []
    for place, day in enumerate(days):
        y = float(HEIGHT)
        for each in series:
            took = each.days.get(day, Took())
            if height := scale * size(took):
                y -= height
                segments.append(
                    Segment(_SLOT * place, y, height, each.colour, _title(day, each, took))
                )
    return Picture(
        name="Tokens a day" if is_free else "Cost a day",
        top=f"{tallest.tokens:,} tokens" if is_free else dollars(tallest.cost),
        width=_SLOT * len(days),
        segments=segments,
        legend=legend,
    )


def _title(day: date, series: _Series, took: Took) -> str:
    cost = f", {dollars(took.cost)}" if took.cost else ""
    return f"{day:%-d %B}: {series.name}: {took.tokens:,} tokens{cost}"
