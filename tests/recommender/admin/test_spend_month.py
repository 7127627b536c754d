import json
from datetime import date
from decimal import Decimal
from typing import Any

from recommender.admin import spend_month
from recommender.admin.spend_month import Line, Month, Took, total

FIRST = date(2026, 2, 1)


def line(model: str, **days: Took) -> Line:
    """A line of `d1`, `d2` and so on of February."""
    by_day = {FIRST.replace(day=int(key[1:])): took for key, took in days.items()}
    return Line("shop", "text@1", model, by_day, total(by_day.values()))


def paid(cost: str, tokens: int = 1000) -> Took:
    return Took(rows=1, tokens=tokens, cost=Decimal(cost))


def datasets(*lines: Line) -> list[dict[str, Any]]:
    """What Chart.js draws of a month."""
    chart: dict[str, Any] = json.loads(spend_month.of_month(Month(FIRST, lines)).data)
    return list(chart["datasets"])


def test_the_costs_of_a_day_are_stacked_by_line() -> None:
    lines = [line("a", d1=paid("3"), d2=paid("1")), line("b", d1=paid("1"))]

    chart = spend_month.of_month(Month(FIRST, lines))

    assert (chart.name, chart.note) == ("Cost a day in US dollars", "at most $4.00")
    assert (chart.labels[0], chart.labels[-1], len(chart.labels)) == ("1 Feb", "28 Feb", 28)
    lower, upper = datasets(*lines)
    assert (lower["label"], lower["data"]) == ("shop text@1, a", [3, 1] + 26 * [0])
    assert (upper["label"], upper["data"]) == ("shop text@1, b", [1] + 27 * [0])
    assert lower["stack"] == upper["stack"]
    assert lower["backgroundColor"] != upper["backgroundColor"]


def test_small_costs_are_drawn_in_cents() -> None:
    small = line("a", d1=paid("0.0003"))
    chart = spend_month.of_month(Month(FIRST, [small]))
    assert (chart.name, chart.note) == ("Cost a day in US cents", "at most $0.0003")
    assert datasets(small)[0]["data"][0] == 0.03


def test_what_is_free_stands_beside_no_money() -> None:
    free = line("local", d1=Took(rows=9, tokens=9_000_000), d3=Took(rows=1, tokens=4_500_000))
    month = Month(FIRST, [line("a", d1=paid("1")), free])
    assert [series.name for series in spend_month.of_month(month).series] == ["shop text@1, a"]

    columns = spend_month.of_line(month, free)
    assert [(column.y, column.height) for column in columns[:3]] == [(0, 1), (1, 0), (0.5, 0.5)]
    assert columns[0].title == "1 February: 9,000,000 tokens"
    assert spend_month.of_line(month, month.lines[0])[0].title == "1 February: 1,000 tokens, $1.00"


def test_a_free_month_shows_its_tokens() -> None:
    free = line("local", d28=Took(rows=1, tokens=7))
    chart = spend_month.of_month(Month(FIRST, [free]))
    assert (chart.name, chart.note) == ("Tokens a day", "at most 7 tokens")
    assert datasets(free)[0]["data"] == 27 * [0] + [7]


def test_many_lines_share_the_last_colour() -> None:
    drawn = datasets(*(line(f"m{n}", d1=paid("1")) for n in range(7)))
    assert drawn[-1]["label"] == "3 more"
    assert drawn[-1]["data"][0] == 3
    assert len({dataset["backgroundColor"] for dataset in drawn}) == len(drawn) == 5


def test_rows_from_the_cache_alone_make_no_column() -> None:
    cached = line("a", d1=Took(cached_rows=5))
    month = Month(FIRST, [cached])
    assert datasets(cached)[0]["data"] == 28 * [0]
    assert {column.height for column in spend_month.of_line(month, cached)} == {0}
    assert month.cached_share == 1.0


def test_dollars_are_finer_below_one() -> None:
    shown = [spend_month.dollars(Decimal(amount)) for amount in ("1234.5", "0.00123", "0")]
    assert shown == ["$1,234.50", "$0.0012", "$0.00"]
