"""`./kinship spend`: what embedding cost."""

import re
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.management.table import aligned
from recommender.models import Catalog, EmbeddingSpend
from recommender.providers import ledger

_HEADER = ("day", "catalog", "space", "model", "rows", "from cache", "tokens", "cost")


class Command(BaseCommand):
    """Shows the ledger of a month."""

    help = """\
Show what embedding took in a calendar month (UTC): by day, space and model, the rows a model
embedded, those it had embedded before and were not paid for again, tokens, and US dollars.

  ./kinship spend
  ./kinship spend --catalog shop --month 2026-11
  ./kinship spend --json | jq .cost
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", metavar="NAME", help="one catalog's (default: all)")
        parser.add_argument(
            "--month", type=_month, metavar="YYYY-MM", help="which month (default: this one)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        month = options["month"] or ledger.today().replace(day=1)
        catalogs = _catalogs(options["catalog"])
        rows = list(
            EmbeddingSpend.objects.filter(
                catalog__in=catalogs, day__gte=month, day__lt=ledger.next_month(month)
            )
            .exclude(rows=0, cached_rows=0)
            .select_related("catalog")
            .order_by("day", "catalog__name", "space_label", "model")
        )
        if options["json"]:
            self.stdout.write(_as_json(month, catalogs, rows))
        else:
            self.stdout.write(_as_text(month, catalogs, rows))


def _month(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}", text):
        raise ArgumentTypeError(f"{text!r} is no month; write it as 2026-11.")
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise ArgumentTypeError(f"{text!r} is no month; write it as 2026-11.") from exc


def _catalogs(name: str | None) -> list[Catalog]:
    if name is None:
        return list(Catalog.objects.all())
    try:
        return [find_catalog(name)]
    except ValidationError as exc:
        raise CommandError(exc.messages[0]) from exc


def _as_text(month: date, catalogs: Sequence[Catalog], rows: Sequence[EmbeddingSpend]) -> str:
    if not rows:
        return "\n".join([f"Nothing was embedded in {month:%B %Y}.", *_budgets(month, catalogs)])
    total = (
        *("total", "", "", ""),
        f"{sum(row.rows for row in rows):,}",
        f"{sum(row.cached_rows for row in rows):,}",
        f"{sum(row.tokens for row in rows):,}",
        _dollars(_cost(rows)),
    )
    table = aligned([_HEADER, *map(_cells, rows), total])
    return "\n".join([table, *_budgets(month, catalogs)])


def _cells(row: EmbeddingSpend) -> tuple[str, ...]:
    return (
        *(f"{row.day}", f"{row.catalog}", row.space_label or "endpoints", row.model),
        *(f"{row.rows:,}", f"{row.cached_rows:,}", f"{row.tokens:,}", _dollars(row.cost)),
    )


def _budgets(month: date, catalogs: Sequence[Catalog]) -> list[str]:
    return [_budget(catalog, month) for catalog in catalogs if catalog.monthly_budget is not None]


def _budget(catalog: Catalog, month: date) -> str:
    cost, reserved = ledger.spent(catalog, month)
    also = f", ${reserved:,.2f} reserved" if reserved else ""
    return f"Budget of {catalog}: ${cost:,.2f} of ${catalog.monthly_budget:,.2f} spent{also}."


def _as_json(month: date, catalogs: Sequence[Catalog], rows: Sequence[EmbeddingSpend]) -> str:
    report = {
        "month": f"{month:%Y-%m}",
        "cost": float(_cost(rows)),
        "budgets": {
            catalog.name: float(catalog.monthly_budget)
            for catalog in catalogs
            if catalog.monthly_budget is not None
        },
        "spend": [_fields(row) for row in rows],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()


def _fields(row: EmbeddingSpend) -> dict[str, Any]:
    return {
        "day": row.day,
        "catalog": row.catalog.name,
        "space": row.space_label or None,
        "model": row.model,
        "requests": row.requests,
        "rows": row.rows,
        "cached_rows": row.cached_rows,
        "tokens": row.tokens,
        "cost": float(row.cost),
    }


def _cost(rows: Sequence[EmbeddingSpend]) -> Decimal:
    return sum((row.cost for row in rows), Decimal(0))


def _dollars(cost: Decimal) -> str:
    """To the cent from a dollar on, finer below."""
    return f"${cost:,.2f}" if cost >= 1 else f"${cost:.6f}"
