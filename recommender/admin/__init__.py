"""The admin: the catalogue and the dashboard, one module per model."""

from django.contrib import admin

from recommender.admin import (
    api_key,
    catalog,
    operator,
    periodic,
    product,
    quarantine,
    space,
    spend,
    user,
)

__all__ = [
    "api_key",
    "catalog",
    "operator",
    "periodic",
    "product",
    "quarantine",
    "space",
    "spend",
    "user",
]

admin.site.index_template = "recommender/admin/dashboard.html"
admin.site.index_title = "Dashboard"
