"""A month of the ledger in numbers: what each model took in each space, on which day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

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
    """What one model took in one space of a catalogue, by day, and over the month."""

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
    found: dict[tuple[str, str, str], dict[date, Took]] = defaultdict(dict)
    for catalog, space, model, day, *took in rows.order_by().values_list(*keys).annotate(*sums):
        found[catalog, space or ENDPOINTS, model][day] = Took(*took)
    lines = [Line(*key, days, total(days.values())) for key, days in found.items()]
    return Month(first, sorted(lines, key=lambda line: (-line.total.cost, -line.total.tokens)))


def total(parts: Iterable[Took]) -> Took:
    """The sum."""
    return sum(parts, Took())
