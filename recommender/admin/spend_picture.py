"""A month of the ledger as pictures: a chart of its days, and small columns for each line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from recommender.admin.chart import Chart, Series
from recommender.admin.spend_month import Line, Month, Took, total

# Of Tailwind: the first lines have one each, all others share the last.
_COLOURS = ("primary-600", "blue-500", "green-500", "orange-400", "base-400")
_STACKED = {"stack": "day"}


@dataclass(frozen=True, slots=True)
class Column:
    """A day in a picture that is 1 high."""

    height: float
    title: str

    @property
    def y(self) -> float:
        """Where it begins, from the upper edge."""
        return 1 - self.height


def of_month(month: Month) -> Chart:
    """The days of a month, stacked by line: their cost; their tokens where nothing cost any.

    What is free would be as nothing beside money: `of_line` shows it.
    """
    lines = [line for line in month.lines if line.total.cost] or month.lines
    days = [total(line.days.get(day, Took()) for line in lines) for day in month.days]
    tokens, cost = max(day.tokens for day in days), max(day.cost for day in days)
    if not cost:
        series = _stacked(month, lines, lambda took: took.tokens)
        return _chart("Tokens a day", f"at most {tokens:,} tokens", month, series)
    # Chart.js rounds what it shows to thousandths.
    unit, scale = ("US dollars", 1) if cost >= 1 else ("US cents", 100)
    series = _stacked(month, lines, lambda took: float(scale * took.cost))
    return _chart(f"Cost a day in {unit}", f"at most {dollars(cost)}", month, series)


def of_line(month: Month, line: Line) -> list[Column]:
    """The tokens of one line on each day, to its own scale."""
    days = [(day, line.days.get(day, Took())) for day in month.days]
    most = max(took.tokens for _, took in days) or 1
    return [
        Column(
            took.tokens / most,
            f"{day:%-d %B}: {took.tokens:,} tokens"
            + (f", {dollars(took.cost)}" if took.cost else ""),
        )
        for day, took in days
    ]


def dollars(cost: Decimal) -> str:
    """To the cent from a dollar on, finer below."""
    return f"${cost:,.2f}" if cost >= 1 or not cost else f"${cost:,.4f}"


def _chart(name: str, note: str, month: Month, series: Sequence[Series]) -> Chart:
    return Chart(name, note, [f"{day:%-d %b}" for day in month.days], series)


def _stacked(
    month: Month, lines: Sequence[Line], size: Callable[[Took], float]
) -> Sequence[Series]:
    """A colour for each of the first lines, and one for all the others."""
    own = len(_COLOURS) - 1
    groups = [(str(line), [line]) for line in lines[:own]]
    if others := lines[own:]:
        groups.append((f"{len(others)} more", list(others)))
    return [
        Series(
            name,
            colour,
            [size(total(line.days.get(day, Took()) for line in group)) for day in month.days],
            _STACKED,
        )
        for colour, (name, group) in zip(_COLOURS, groups, strict=False)
    ]
