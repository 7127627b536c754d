"""A month of the ledger in numbers: what each model took in each space, on which day."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from recommender.admin.fragments import Chart, Series
from recommender.models import EmbeddingSpend
from recommender.providers import ledger

# Where what was embedded for nobody's space is booked: its callers came to the endpoints.
ENDPOINTS = "endpoints"


@dataclass(frozen=True, slots=True)
class Took:
    """What embedding took: rows that a model embedded, rows from the cache, tokens, US dollars."""

    rows: int = 0
    cached_rows: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Took") -> "Took":
        return Took(
            self.rows + other.rows,
            self.cached_rows + other.cached_rows,
            self.tokens + other.tokens,
            self.cost + other.cost,
        )

    @property
    def cached_share(self) -> float | None:
        """The part of the rows that the cache answered, 0 to 1; None where there are none."""
        asked = self.rows + self.cached_rows
        return self.cached_rows / asked if asked else None


@dataclass(frozen=True, slots=True)
class Line:
    """What one model took in one space of a catalog, by day, and over the month."""

    catalog: str
    space: str
    model: str
    days: dict[date, Took]
    total: Took

    def __str__(self) -> str:
        return f"{self.catalog} {self.space}, {self.model}"


@dataclass(frozen=True, slots=True)
class Month:
    """The lines of a calendar month (UTC): the dearest first, then by tokens."""

    first: date
    lines: Sequence[Line]

    @property
    def days(self) -> list[date]:
        """All days of the month."""
        number = (ledger.next_month(self.first) - self.first).days
        return [self.first + timedelta(days=day) for day in range(number)]

    @property
    def total(self) -> Took:
        """Of all lines."""
        return total(line.total for line in self.lines)

    @property
    def paid(self) -> Took:
        """Of the lines that cost something."""
        return total(line.total for line in self.lines if line.total.cost)

    @property
    def cached_share(self) -> float | None:
        """The cache's part of what there was to pay for: models that are free have no cache."""
        bought = (line.total for line in self.lines if line.total.cost or line.total.cached_rows)
        return total(bought).cached_share


def of_rows(rows: QuerySet[EmbeddingSpend], first: date) -> Month:
    """The month of these rows of the ledger, all of the month that begins at `first`; one query."""
    keys = ("catalog__name", "space_label", "model", "day")
    sums = [Sum(name) for name in ("rows", "cached_rows", "tokens", "cost")]
    by_line: dict[tuple[str, str, str], dict[date, Took]] = defaultdict(dict)
    for catalog, space, model, day, *took in rows.order_by().values_list(*keys).annotate(*sums):
        by_line[catalog, space or ENDPOINTS, model][day] = Took(*took)
    lines = [Line(*key, days, total(days.values())) for key, days in by_line.items()]
    return Month(first, sorted(lines, key=lambda line: (-line.total.cost, -line.total.tokens)))


def total(parts: Iterable[Took]) -> Took:
    """The sum."""
    return sum(parts, Took())


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
