"""Spending: the ledger of embedding, a month at a time, and the budgets."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Min, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from unfold.contrib.filters.admin import RelatedDropdownFilter

from recommender.admin import fragments, spend_month, spend_picture
from recommender.admin.base import BoundedPaginator, ReadOnlyAdmin, SimpleListFilter
from recommender.admin.fragments import Table
from recommender.admin.spend_month import Line, Month
from recommender.admin.spend_picture import dollars
from recommender.models import EmbeddingSpend
from recommender.providers import ledger
from recommender.providers.ledger import Budget

# More lines than these nobody reads; the list below has them all.
_LINES_SHOWN = 12
_MAX_CHOICES = 300


class MonthFilter(SimpleListFilter):
    """By calendar month (UTC): this one, if none is chosen."""

    title = parameter_name = "month"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """From this month back to that of the first entry."""
        earliest = EmbeddingSpend.objects.aggregate(day=Min("day"))["day"]
        month, months = ledger.today().replace(day=1), []
        while not months or (earliest and month >= earliest.replace(day=1)):
            months.append((f"{month:%Y-%m}", f"{month:%B %Y}"))
            month = previous_month(month)
        return months

    def value(self) -> str:
        """The chosen month; this one, where none is or it is no month."""
        chosen = super().value() or ""
        return f"{parsed_month(chosen):%Y-%m}"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The entries of the month."""
        first = parsed_month(self.value())
        return queryset.filter(day__gte=first, day__lt=ledger.next_month(first))
