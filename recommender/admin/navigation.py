"""The sidebar."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

# Group: title, icon (a Material Symbol, served from here), and model of each entry.
_GROUPS = {
    "Catalogue": (
        ("Catalogues", "storefront", "recommender_catalog"),
        ("Products", "inventory_2", "recommender_product"),
        ("Users", "group", "recommender_user"),
    ),
    "Engine": (
        ("Spaces", "scatter_plot", "recommender_space"),
        ("Trainings", "model_training", "recommender_trainingrun"),
        ("Rankers", "sort", "recommender_ranker"),
        ("Evaluations", "query_stats", "recommender_evaluationrun"),
        ("Quarantine", "report", "recommender_quarantinedproduct"),
        ("Spending", "payments", "recommender_embeddingspend"),
        ("Periodic tasks", "update", "django_celery_beat_periodictask"),
        ("Intervals", "timer", "django_celery_beat_intervalschedule"),
        ("Crontabs", "calendar_month", "django_celery_beat_crontabschedule"),
    ),
    "Access": (
        ("API keys", "key", "recommender_apikey"),
        ("Operators", "badge", "auth_user"),
        ("Operator groups", "groups", "auth_group"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 - Unfold gives it
    """The groups of links, as Unfold's SIDEBAR takes them."""
    dashboard = {"title": "Dashboard", "icon": "monitoring", "link": reverse("admin:index")}
    groups = [
        {"title": title, "separator": True, "items": [_entry(*entry) for entry in entries]}
        for title, entries in _GROUPS.items()
    ]
    return [{"items": [dashboard]}, *groups]


def _entry(title: str, icon: str, model: str) -> dict[str, Any]:
    app, _, name = model.rpartition("_")
    return {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{model}_changelist"),
        "permission": _may_view(f"{app}.view_{name}"),
    }


def _may_view(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)
