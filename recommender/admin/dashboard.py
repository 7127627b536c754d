"""The admin's first page: every catalogue at a glance, and whether the parts work."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from recommender.admin import activity, counts, embedding, health, training
from recommender.admin.activity import Activity
from recommender.models import Catalog, TrainingRun

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog

# More would make a page that nobody reads, of statements that take long.
_CATALOGS = 12
# The picture's height; a bar's slot is 10 wide, in units of the SVG.
HEIGHT = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """A day in the picture of events, in units of the SVG."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A catalogue on the dashboard; without events there are no bars."""

    catalog: Catalog
    figures: tuple[tuple[str, str], ...]
    first_day: date
    last_day: date
    bars: tuple[Bar, ...]
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
        first_day=lately.last_day - timedelta(days=activity.DAYS - 1),
        last_day=lately.last_day,
        bars=_bars(lately),
        training=training.sentence(trained) if trained else "none yet",
    )


def _bars(lately: Activity) -> tuple[Bar, ...]:
    if lately.total == 0:
        return ()
    most = max(lately.daily)
    first = lately.last_day - timedelta(days=len(lately.daily) - 1)
    return tuple(
        Bar(
            x=10 * place,
            y=HEIGHT * (1 - number / most),
            height=HEIGHT * number / most,
            title=f"{first + timedelta(days=place):%-d %B}: {number:,}",
        )
        for place, number in enumerate(lately.daily)
    )
