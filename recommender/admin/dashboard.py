"""The sidebar and the first page: every catalog at a glance, and whether the parts work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.urls import reverse

from recommender import database
from recommender.admin import (
    access,
    counts,
    effect_cards,
    embedding,
    feed,
    first_run,
    needs,
    training,
)
from recommender.admin.fragments import Chart, Series
from recommender.effect import report
from recommender.insight import evaluations
from recommender.insight.evaluations import Quality
from recommender.models import Catalog, TrainingRun

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog

DAYS = 30

# The last days that the catalog's own clock knows; today is the last of them.
_DAILY = """
SELECT c.id, c.until::date, e.day, e.number FROM (
    SELECT id, COALESCE(
        CASE clock WHEN 'last_event' THEN (
            SELECT max(at) FROM recommender_event WHERE catalog_id = recommender_catalog.id
        ) END, now()) AT TIME ZONE 'UTC' AS until
    FROM recommender_catalog WHERE id = ANY(%(catalogs)s)
) c LEFT JOIN LATERAL (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, count(*) AS number FROM recommender_event
    WHERE catalog_id = c.id AND at >= (c.until::date - %(days)s + 1)::timestamp AT TIME ZONE 'UTC'
      AND at < (c.until::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1
) e ON true
"""


@dataclass(frozen=True, slots=True)
class Activity:
    """Events of each of the last DAYS days, the oldest first."""

    last_day: date
    daily: tuple[int, ...]

    @property
    def total(self) -> int:
        """Events of all these days."""
        return sum(self.daily)


def of_catalogs(catalog_ids: Sequence[int]) -> dict[int, Activity]:
    """What happened lately in each of these catalogs."""
    last: dict[int, date] = {}
    daily: dict[int, dict[date, int]] = {}
    parameters = {"catalogs": list(catalog_ids), "days": DAYS}
    for catalog, until, day, number in database.fetch(_DAILY, parameters):
        last[catalog] = until
        daily.setdefault(catalog, {})[day] = number
    return {
        catalog: Activity(
            until,
            tuple(
                daily[catalog].get(until - timedelta(days=back), 0)
                for back in range(DAYS - 1, -1, -1)
            ),
        )
        for catalog, until in last.items()
    }


# Group: title, icon (a Material Symbol, served from here), and model of each entry.
_GROUPS = {
    "Catalog": (
        ("Catalogs", "storefront", "recommender_catalog"),
        ("Products", "inventory_2", "recommender_product"),
        ("Placements", "dashboard_customize", "recommender_placement"),
        ("Uploads", "upload_file", "recommender_upload"),
        ("Feeds", "rss_feed", "recommender_feed"),
        ("Synonyms", "sync_alt", "recommender_synonyms"),
        ("Search redirects", "alt_route", "recommender_searchredirect"),
        ("Users", "group", "recommender_user"),
    ),
    "Effect": (
        ("Effect", "trending_up", "recommender_effectfigure"),
        ("Experiments", "science", "recommender_experiment"),
    ),
    "Engine": (
        ("Spaces", "scatter_plot", "recommender_space"),
        ("Trainings", "model_training", "recommender_trainingrun"),
        ("Rankers", "sort", "recommender_ranker"),
        ("Evaluations", "query_stats", "recommender_evaluationrun"),
        ("Insight", "insights", "recommender_insightrun"),
        ("Quarantine", "report", "recommender_quarantinedproduct"),
        ("Spending", "payments", "recommender_embeddingspend"),
        ("Periodic tasks", "update", "django_celery_beat_periodictask"),
        ("Intervals", "timer", "django_celery_beat_intervalschedule"),
        ("Crontabs", "calendar_month", "django_celery_beat_crontabschedule"),
    ),
    "Access": (
        ("API keys", "key", "recommender_apikey"),
        ("Webhooks", "webhook", "recommender_webhook"),
        ("Webhook deliveries", "outgoing_mail", "recommender_webhookdelivery"),
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


# More would make a page that nobody reads, of statements that take long.
_CATALOGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A catalog on the dashboard; without events there is no chart."""

    catalog: Catalog
    figures: tuple[tuple[str, str], ...]
    period: str
    chart: Chart | None
    training: str
    quality: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows; Unfold's DASHBOARD_CALLBACK."""
    now, health = embedding.state(), embedding.health_parts()
    context["parts"] = [*health, *embedding.parts(now)]
    context["needs"] = needs.of_parts(health)
    context["notices"] = [*embedding.notices(now, request), *feed.notices(request)]
    if request.user.has_perm("recommender.view_catalog"):
        _fill_catalogs(request, context)
    return context


def _fill_catalogs(request: HttpRequest, context: dict[str, Any]) -> None:
    catalogs = list(counts.of_catalogs(access.catalogs(request))[:_CATALOGS])
    trained = training.latest([catalog.pk for catalog in catalogs])
    may = request.user.has_perm
    context["checklists"] = first_run.checklists(catalogs, trained, may)
    context["needs"] += needs.of_catalogs(catalogs, trained, may)
    context["overviews"] = overviews(catalogs, trained)
    context["more_catalogs"] = max(0, access.catalogs(request).count() - _CATALOGS)
    if request.user.has_perm("recommender.view_effectfigure"):
        context["effects"] = effect_cards.panels(catalogs)
        context["how_effect"] = report.HOW


def overviews(
    catalogs: Sequence["CountedCatalog"], trained: Mapping[int, TrainingRun]
) -> list[Overview]:
    """The catalogs at a glance, in two statements; `trained` has the latest training of each."""
    keys = [catalog.pk for catalog in catalogs]
    lately, good = of_catalogs(keys), evaluations.latest(keys)
    return [
        _overview(catalog, lately[catalog.pk], trained.get(catalog.pk), good.get(catalog.pk))
        for catalog in catalogs
    ]


def _overview(
    catalog: "CountedCatalog",
    lately: Activity,
    trained: TrainingRun | None,
    quality: Quality | None,
) -> Overview:
    first = lately.last_day - timedelta(days=DAYS - 1)
    period = f"{first:%-d %B %Y} to {lately.last_day:%-d %B %Y}"
    share = catalog.fresh_count / catalog.product_count if catalog.product_count else 1.0
    return Overview(
        catalog=catalog,
        figures=(
            ("Products", f"{catalog.product_count:,}"),
            ("Fresh vectors", f"{share:.1%}"),
            ("Stale backlog", f"{catalog.product_count - catalog.fresh_count:,}"),
            ("Users", f"{catalog.user_count:,}"),
            (f"Events in {DAYS} days", f"{lately.total:,}"),
        ),
        period=period,
        chart=_chart(lately, period) if lately.total else None,
        training=training.sentence(trained) if trained else "none yet",
        quality=quality.sentence if quality else "",
    )


def _chart(lately: Activity, period: str) -> Chart:
    back = range(len(lately.daily) - 1, -1, -1)
    labels = [f"{lately.last_day - timedelta(days=days):%-d %b}" for days in back]
    most = max(lately.daily)
    busiest = labels[lately.daily.index(most)]
    note = f"{period}, the most on {busiest}: {most:,}"
    return Chart("Events a day", note, labels, [Series("Events", "primary-600", lately.daily)])
