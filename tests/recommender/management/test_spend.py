import json
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog
from recommender.providers import ledger
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from tests.shop import Shop


def spend(*arguments: str) -> str:
    output = StringIO()
    call_command("spend", *arguments, stdout=output)
    return output.getvalue()


def book(shop: Shop, day: date, cost: str, *, rows: int = 100, cached: int = 0) -> None:
    consumed = Consumed(
        requests=10, rows=rows, cached_rows=cached, tokens=7 * rows, cost=Decimal(cost)
    )
    LedgerEntry(Account(shop.catalog, shop.space), "text-embedding-v4", day).book(consumed)


@pytest.fixture
def november(shop: Shop) -> Shop:
    book(shop, date(2026, 11, 3), "0.0005", cached=20)
    book(shop, date(2026, 11, 30), "12.5", rows=1_500_000)
    book(shop, date(2026, 12, 1), "3")
    LedgerEntry(Account(shop.catalog), "fake", date(2026, 11, 3)).book(Consumed(rows=4, tokens=9))
    return shop


def test_a_month_is_told_by_day_space_and_model(november: Shop) -> None:
    Catalog.objects.update(monthly_budget=Decimal(20))
    assert [line.split() for line in spend("--month", "2026-11").splitlines()] == [
        ["day", "catalog", "space", "model", "rows", "from", "cache", "tokens", "cost"],
        ["2026-11-03", "shop", "endpoints", "fake", "4", "0", "9", "$0.000000"],
        ["2026-11-03", "shop", "text@1", "text-embedding-v4", "100", "20", "700", "$0.000500"],
        [
            *("2026-11-30", "shop", "text@1", "text-embedding-v4"),
            *("1,500,000", "0", "10,500,000", "$12.50"),
        ],
        ["total", "1,500,104", "20", "10,500,709", "$12.50"],
        ["Budget", "of", "shop:", "$12.50", "of", "$20.00", "spent."],
    ]


def test_json_has_the_same_figures(november: Shop) -> None:
    report = json.loads(spend("--month", "2026-11", "--json"))
    assert (report["month"], report["cost"], report["budgets"]) == ("2026-11", 12.5005, {})
    assert report["spend"][1] == {
        "day": "2026-11-03",
        "catalog": "shop",
        "space": "text@1",
        "model": "text-embedding-v4",
        "requests": 10,
        "rows": 100,
        "cached_rows": 20,
        "tokens": 700,
        "cost": 0.0005,
    }


def test_one_catalog_is_told_alone(november: Shop) -> None:
    book(Shop.open("other"), date(2026, 11, 4), "1")
    assert "other" in spend("--month", "2026-11")
    assert "other" not in spend("--month", "2026-11", "--catalog", "shop")


def test_by_default_it_is_this_month(shop: Shop) -> None:
    assert spend().startswith(f"Nothing was embedded in {ledger.today():%B %Y}.")
    book(shop, ledger.today(), "1")
    assert str(ledger.today()) in spend()


def test_a_call_that_failed_is_no_line(shop: Shop) -> None:
    LedgerEntry(Account(shop.catalog), "fake", ledger.today()).book(Consumed(released=Decimal(1)))
    assert spend().startswith("Nothing was embedded")


@pytest.mark.parametrize("month", ["2026-13", "november", "2026-1", "26-11"])
def test_a_month_that_is_none_is_said(shop: Shop, month: str) -> None:
    with pytest.raises(CommandError, match="write it as 2026-11"):
        spend("--month", month)


def test_an_unknown_catalog_is_said(shop: Shop) -> None:
    with pytest.raises(CommandError, match="no catalog 'shpo'"):
        spend("--catalog", "shpo")
