"""The admin: the catalog and the dashboard, one module per model."""

from django.contrib import admin

from recommender.admin import (
    api_key,
    catalog,
    effect,
    evaluation,
    experiment,
    feed,
    insight,
    periodic,
    placement,
    product,
    quarantine,
    search_redirect,
    space,
    spend,
    synonyms,
    training,
    upload,
    user,
    webhook,
)

__all__ = [
    "api_key",
    "catalog",
    "effect",
    "evaluation",
    "experiment",
    "feed",
    "insight",
    "operator",
    "periodic",
    "placement",
    "product",
    "quarantine",
    "ranker",
    "search_redirect",
    "space",
    "spend",
    "synonyms",
    "training",
    "upload",
    "user",
    "webhook",
]

admin.site.index_template = "recommender/admin/dashboard.html"
admin.site.index_title = "Dashboard"
