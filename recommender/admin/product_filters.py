"""Filters of the list of products: by vector, category and brand."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from recommender.admin import freshness
from recommender.admin.base import SimpleListFilter, key_in
from recommender.admin.freshness import Freshness
from recommender.models import Product

# More choices than this is no help; the search finds brands too.
_MAX_CHOICES = 300


class FreshnessFilter(SimpleListFilter):
    """By the state of the vector."""

    title = "vector"
    parameter_name = "vector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """All states."""
        return Freshness.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The products in the chosen state."""
        state = self.value()
        return freshness.only(queryset, state) if state in Freshness.values else queryset


class ValueFilter(SimpleListFilter):
    """By a field's values, where they are few enough to choose from."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """The values of what is in stock: an index has them. None where they are too many."""
        visible = Product.objects.filter(deleted_at=None, in_stock=True)
        if catalog := key_in(request.GET.get("catalog__id__exact", "").strip()):
            visible = visible.filter(catalog_id=catalog)
        filled = visible.exclude(**{self.parameter_name: ""}).order_by(self.parameter_name)
        found = filled.values_list(self.parameter_name, flat=True).distinct()[: _MAX_CHOICES + 1]
        return [(value, value) for value in found] if len(found) <= _MAX_CHOICES else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The products with the chosen value."""
        value = self.value()
        return queryset.filter(**{self.parameter_name: value}) if value else queryset


class CategoryFilter(ValueFilter):
    """By category."""

    title = parameter_name = "category"


class BrandFilter(ValueFilter):
    """By brand."""

    title = parameter_name = "brand"
