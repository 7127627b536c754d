"""Filters of the list of products: by vector, category and brand."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from psycopg import sql

from recommender import database
from recommender.admin import access, freshness
from recommender.admin.base import SimpleListFilter, key_in
from recommender.admin.freshness import Freshness

# More choices than this is no help; the search finds brands too.
_MAX_CHOICES = 300
# Without a catalog, each is asked.
_MAX_CATALOGS = 20
# Each value is looked up from the one before: an index is read once a value, not once a product
# (a loose index scan).
_VALUES = sql.SQL("""
WITH seen AS (
    SELECT id FROM recommender_catalog
    WHERE id = ANY(%(catalogs)s::bigint[]) OR %(catalogs)s::bigint[] IS NULL
)
SELECT DISTINCT v.value FROM (
    SELECT id FROM seen WHERE (SELECT count(*) FROM seen) <= %(most_catalogs)s
) c, LATERAL (
    WITH RECURSIVE next(value) AS (
        (SELECT p.{field} FROM recommender_product p
         WHERE p.catalog_id = c.id AND p.deleted_at IS NULL AND p.in_stock AND p.{field} > ''
         ORDER BY p.{field} LIMIT 1)
        UNION ALL
        SELECT (SELECT p.{field} FROM recommender_product p
                WHERE p.catalog_id = c.id AND p.deleted_at IS NULL AND p.in_stock
                  AND p.{field} > next.value
                ORDER BY p.{field} LIMIT 1)
        FROM next WHERE next.value IS NOT NULL
    )
    SELECT value FROM next WHERE value IS NOT NULL LIMIT %(limit)s
) v ORDER BY 1 LIMIT %(limit)s
""")


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
        """The values of what is in stock. None where they are too many, or the catalogs are."""
        asked = key_in(request.GET.get("catalog__id__exact", "").strip())
        catalogs = None if asked is None else [asked]
        if access.narrowing(request) is not None:
            seen = access.catalogs(request).values_list("pk", flat=True)
            catalogs = [pk for pk in seen if asked in (None, pk)]
        query = _VALUES.format(field=sql.Identifier(self.parameter_name))
        limits = {"limit": _MAX_CHOICES + 1, "most_catalogs": _MAX_CATALOGS}
        found = database.fetch(query, {"catalogs": catalogs, **limits})
        return [(value, value) for (value,) in found] if len(found) <= _MAX_CHOICES else []

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
