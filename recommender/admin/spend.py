"""Spending: the ledger, the month's figures and charts above it, and the budgets."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from recommender.admin import access, fragments, spend_month
from recommender.admin.base import (
    BoundedListAdmin,
    ReadOnlyAdmin,
    RelatedDropdownFilter,
    SimpleListFilter,
)
from recommender.admin.fragments import BarPart, Table
from recommender.admin.spend_month import Line, Month, dollars
from recommender.models import EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.ledger import NEARLY_SPENT, Budget

# More nobody reads here; the list below has them all.
_SHOWN = 12
_LINE_HEADERS = (
    *("Catalog", "Space", "Model", "Tokens a day", "Tokens"),
    *("Rows", "From the cache", "Cost"),
)


def month_context(month: Month, catalog: str, request: HttpRequest) -> dict[str, Any]:
    """What the template shows of a month.

    Args:
        catalog: the id of the one whose budget is shown; by default that of all.
    """
    budgets = [
        budget for budget in ledger.budgets(month.first) if catalog in ("", str(budget.catalog_id))
    ]
    seen = access.of(request, [budget.catalog_id for budget in budgets])
    budgets = [budget for budget in budgets if budget.catalog_id in seen]
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
    text = f"{dollars(budget.spent)} of {dollars(budget.limit)}{_reserved(budget)}"
    return fragments.stack([BarPart(text, budget.share, css)], text)


def _reserved(budget: Budget) -> str:
    return f", {dollars(budget.reserved)} reserved" if budget.reserved else ""


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
    return Table(["Catalog", "Spent"], rows, note)


# More choices than this is no help.
_MAX_CHOICES = 300


class MonthFilter(SimpleListFilter):
    """By calendar month (UTC): this one, if none is chosen."""

    title = parameter_name = "month"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """From this month back to that of the first entry."""
        month = ledger.today().replace(day=1)
        earliest = EmbeddingSpend.objects.aggregate(day=Min("day"))["day"] or month
        months = []
        while ledger.next_month(month) > earliest:
            months.append((f"{month:%Y-%m}", f"{month:%B %Y}"))
            month = (month - timedelta(days=1)).replace(day=1)
        return months

    def value(self) -> str:
        """The chosen month; this one, where none is."""
        chosen, months = super().value(), [str(month) for month, _ in self.lookup_choices]
        return chosen if chosen in months else months[0]

    @property
    def first(self) -> date:
        """The month's first day."""
        return date.fromisoformat(f"{self.value()}-01")

    @property
    def neighbours(self) -> list[tuple[str, str]]:
        """The months before and after the chosen one that can be chosen, as choices."""
        choices = [(str(month), str(name)) for month, name in self.lookup_choices]
        place = [month for month, _ in choices].index(self.value())
        return [*choices[place + 1 : place + 2], *choices[max(0, place - 1) : place]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The entries of the month."""
        return queryset.filter(day__gte=self.first, day__lt=ledger.next_month(self.first))


class ModelFilter(SimpleListFilter):
    """By embedding model."""

    title = parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """Every model that the ledger knows."""
        rows = access.narrow(EmbeddingSpend.objects.all(), request)
        models = rows.order_by("model").values_list("model", flat=True)
        return [(model, model) for model in models.distinct()[:_MAX_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The entries of the chosen model."""
        return queryset.filter(model=self.value()) if self.value() else queryset


@admin.register(EmbeddingSpend)
class EmbeddingSpendAdmin(BoundedListAdmin[EmbeddingSpend], ReadOnlyAdmin[EmbeddingSpend]):
    """What embedding took and cost, by day, space and model."""

    list_display = (
        *("day", "catalog", "space_or_endpoints", "model", "request_number"),
        *("row_number", "cached_number", "token_number", "price"),
    )
    list_display_links = None
    list_filter = (MonthFilter, ("catalog", RelatedDropdownFilter), ModelFilter)
    list_select_related = ("catalog",)
    sortable_by = ("day", "token_number", "price")
    list_before_template = "recommender/admin/spend.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingSpend]:
        """What anything came of: a reservation alone is no spending."""
        return super().get_queryset(request).exclude(rows=0, cached_rows=0)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below the pictures of just what it lists."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            context: dict[str, Any] = response.context_data  # type: ignore[assignment]  # a mapping to the stubs
            listed = context["cl"]
            chosen = next(spec for spec in listed.filter_specs if isinstance(spec, MonthFilter))
            month = spend_month.of_rows(listed.queryset, chosen.first)
            context |= month_context(month, request.GET.get("catalog__id__exact", ""), request)
            context["neighbours"] = [
                (listed.get_query_string({"month": value}, remove=["p"]), name)
                for value, name in chosen.neighbours
            ]
        return response

    @admin.display(description="Space")
    def space_or_endpoints(self, spend: EmbeddingSpend) -> str:
        """Its label, which stays when the space is gone; or the callers of the endpoints."""
        return spend.space_label or spend_month.ENDPOINTS

    @admin.display(description="Requests")
    def request_number(self, spend: EmbeddingSpend) -> str:
        """Calls that the provider answered."""
        return f"{spend.requests:,}"

    @admin.display(description="Rows")
    def row_number(self, spend: EmbeddingSpend) -> str:
        """Rows that the model embedded."""
        return f"{spend.rows:,}"

    @admin.display(description="From the cache")
    def cached_number(self, spend: EmbeddingSpend) -> str:
        """Rows that were not paid for again."""
        return f"{spend.cached_rows:,}"

    @admin.display(description="Tokens", ordering="tokens")
    def token_number(self, spend: EmbeddingSpend) -> str:
        """Tokens that the provider counted."""
        return f"{spend.tokens:,}"

    @admin.display(description="Cost", ordering="cost")
    def price(self, spend: EmbeddingSpend) -> str:
        """In US dollars."""
        return dollars(spend.cost)
