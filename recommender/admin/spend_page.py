"""What stands above the ledger: the month's figures and pictures, and the budgets."""

from collections.abc import Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from recommender.admin import fragments, spend_month
from recommender.admin.fragments import BarPart, Table
from recommender.admin.spend_month import Line, Month, dollars
from recommender.providers import ledger
from recommender.providers.ledger import NEARLY_SPENT, Budget

# More nobody reads here; the list below has them all.
_SHOWN = 12
_LINE_HEADERS = (
    *("Catalog", "Space", "Model", "Tokens a day", "Tokens"),
    *("Rows", "From the cache", "Cost"),
)


def context(month: Month, catalog: str) -> dict[str, Any]:
    """What the template shows of a month.

    Args:
        catalog: the id of the one whose budget is shown; by default that of all.
    """
    budgets = [
        budget for budget in ledger.budgets(month.first) if catalog in ("", str(budget.catalog_id))
    ]
    return {
        "month": month,
        "figures": _figures(month),
        "chart": spend_month.of_month(month) if month.lines else None,
        "lines": _lines(month),
        "budgets": _budgets(budgets),
    }


def budget_bar(budget: Budget) -> SafeString:
    """What is spent of a budget."""
    css = "bg-primary-600" if budget.share < NEARLY_SPENT else "bg-orange-400"
    css = css if budget.share < 1 else "bg-red-500"
    text = f"{dollars(budget.spent)} of {dollars(budget.limit)}"
    return fragments.stack([BarPart(text, budget.share, css)], text)


def _figures(month: Month) -> Sequence[tuple[str, str]]:
    paid, cached = month.paid, month.cached_share
    return (
        ("Cost", dollars(paid.cost)),
        ("Tokens paid for", f"{paid.tokens:,}"),
        ("Tokens free of charge", f"{month.total.tokens - paid.tokens:,}"),
        ("Rows embedded", f"{month.total.rows:,}"),
        ("From the cache", "-" if cached is None else f"{cached:.1%}"),
    )


def _lines(month: Month) -> Table:
    more = len(month.lines) - _SHOWN
    note = f"The first {_SHOWN}; the list below has {more} more." if more > 0 else ""
    return Table(_LINE_HEADERS, [_line(month, line) for line in month.lines[:_SHOWN]], note)


def _line(month: Month, line: Line) -> list[Any]:
    took = line.total
    share = took.cached_share if took.cost or took.cached_rows else None
    return [
        *(line.catalog, line.space, line.model),
        render_to_string(
            "recommender/admin/columns.html", {"columns": spend_month.of_line(month, line)}
        ),
        *(f"{took.tokens:,}", f"{took.rows:,}"),
        "-" if share is None else fragments.bar(share, f"{share:.1%}"),
        dollars(took.cost),
    ]


def _budgets(budgets: Sequence[Budget]) -> Table:
    nearest = sorted(budgets, key=lambda budget: -budget.share)[:_SHOWN]
    more = len(budgets) - len(nearest)
    note = f"Those nearest to their end; {more} more have one." if more else ""
    rows = [
        [fragments.catalog_link(budget.catalog_id, budget.catalog), budget_bar(budget)]
        for budget in nearest
    ]
    return Table(["Catalog", "Spent and set aside"], rows, note)
