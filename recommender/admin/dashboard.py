"""The admin's first page: every catalogue at a glance, and whether the parts work."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from recommender.admin import activity, counts, embedding, health, training
from recommender.admin.activity import Activity
from recommender.admin.chart import Chart, Series
from recommender.models import Catalog, TrainingRun

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog

# More would make a page that nobody reads, of statements that take long.
_CATALOGS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A catalogue on the dashboard; without events there is no chart."""

    catalog: Catalog
    figures: tuple[tuple[str, str], ...]
    period: str
    chart: Chart | None
    training: str


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows; Unfold's DASHBOARD_CALLBACK."""
    now = embedding.state()
    context["parts"] = [*health.parts(), *embedding.parts(now)]
    context["notices"] = embedding.notices(now, request)
    if request.user.has_perm("recommender.view_catalog"):
        context["overviews"] = overviews()
        context["more_catalogs"] = max(0, Catalog.objects.count() - _CATALOGS)
    return context


def overviews() -> list[Overview]:
    """The first catalogues by name, in a few statements."""
    catalogs = list(counts.of_catalogs(Catalog.objects.order_by("name"))[:_CATALOGS])
    keys = [catalog.pk for catalog in catalogs]
    lately, trainings = activity.of_catalogs(keys), training.latest(keys)
    return [
        _overview(catalog, lately[catalog.pk], trainings.get(catalog.pk)) for catalog in catalogs
    ]


def _overview(catalog: "CountedCatalog", lately: Activity, trained: TrainingRun | None) -> Overview:
    first = lately.last_day - timedelta(days=activity.DAYS - 1)
    period = f"{first:%-d %B %Y} to {lately.last_day:%-d %B %Y}"
    share = catalog.fresh_count / catalog.product_count if catalog.product_count else 1.0
    return Overview(
        catalog=catalog,
        figures=(
            ("Products", f"{catalog.product_count:,}"),
            ("Fresh vectors", f"{share:.1%}"),
            ("Stale backlog", f"{catalog.product_count - catalog.fresh_count:,}"),
            ("Users", f"{catalog.user_count:,}"),
            (f"Events in {activity.DAYS} days", f"{lately.total:,}"),
        ),
        period=period,
        chart=_chart(lately, period) if lately.total else None,
        training=training.sentence(trained) if trained else "none yet",
    )


def _chart(lately: Activity, period: str) -> Chart:
    back = range(len(lately.daily) - 1, -1, -1)
    labels = [f"{lately.last_day - timedelta(days=days):%-d %b}" for days in back]
    most = max(lately.daily)
    busiest = labels[lately.daily.index(most)]
    note = f"{period}, the most on {busiest}: {most:,}"
    return Chart("Events a day", note, labels, [Series("Events", "primary-600", lately.daily)])
