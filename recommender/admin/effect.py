"""The page of what recommendations bring: figures, charts and a table by one of five kinds."""

from collections.abc import Sequence
from typing import Any, get_args
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from recommender.admin import access, base, effect_cards, fragments
from recommender.admin.base import ReadOnlyAdmin, key_in
from recommender.admin.fragments import Table
from recommender.effect import estimates, figures, report, weeks
from recommender.effect.figures import By, Effect, Figures, Group
from recommender.models import Catalog, EffectFigure
from recommender.ranking.metrics import Interval

_DAYS = (7, 28, 91)
_SHOWN = 50
_HEADERS = ("Seen", "Clicks", "Click-through", "Conversion", "Revenue", "Revenue for 1,000 seen")


@admin.register(EffectFigure)
class EffectAdmin(ReadOnlyAdmin[EffectFigure]):
    """One page, and no page of a single row: a row is a part of a sum."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What lists brought in a catalog and a period."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **base.page_context(self, request),
            "title": "Effect",
            **(extra_context or {}),
        }
        catalog = _catalog(request)
        if catalog is not None:
            context |= _shown(request, catalog, _by(request), _days(request))
        return TemplateResponse(request, "recommender/admin/effect.html", context)


def _catalog(request: HttpRequest) -> Catalog | None:
    """The catalog that is asked for, else the first whose lists brought anything, else any."""
    key = key_in(request.GET.get("catalog", ""))
    catalogs = access.catalogs(request)
    if key is not None and (found := catalogs.filter(pk=key).first()):
        return found
    counted = catalogs.filter(pk__in=EffectFigure.objects.values("catalog")[:1])
    return counted.first() or catalogs.first()


def _by(request: HttpRequest) -> By:
    asked = request.GET.get("by", "")
    return next((by for by in get_args(By) if by == asked), "placement")


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return next((days for days in _DAYS if str(days) == asked), figures.DAYS)


def _shown(request: HttpRequest, catalog: Catalog, by: By, days: int) -> dict[str, Any]:
    effect = figures.read(catalog, figures.last_days(days), by, limit=_SHOWN)
    told = weeks.read(catalog, effect_cards.WEEKS, effect.period.until)
    return {
        "catalog": catalog,
        "period": effect_cards.period_of(effect),
        "is_empty": effect.is_empty,
        "note": report.note(effect),
        "cards": effect_cards.cards(effect),
        "charts": effect_cards.charts(told) if told.clicks else (),
        "table": _table(effect, by),
        "choices": (
            ("Catalog", _catalog_links(request, catalog, by, days)),
            ("By", _links("by", [(each, each) for each in get_args(By)], by, catalog, days)),
            (
                "Days",
                _links("days", [(each, str(each)) for each in _DAYS], days, catalog, days, by),
            ),
        ),
        "unknown": effect.whole.unknown,
    }


Link = tuple[str, str, bool]  # address, name, whether it is the one that is shown
_MOST_CATALOGS = 20


def _catalog_links(request: HttpRequest, catalog: Catalog, by: By, days: int) -> list[Link]:
    rows = access.catalogs(request).values_list("pk", "name")[:_MOST_CATALOGS]
    return [
        (f"?{urlencode({'catalog': key, 'by': by, 'days': days})}", name, key == catalog.pk)
        for key, name in rows
    ]


def _links(
    name: str,
    choices: Sequence[tuple[Any, str]],
    chosen: object,
    catalog: Catalog,
    days: int,
    by: str = "placement",
) -> list[Link]:
    kept = {"catalog": catalog.pk, "by": by, "days": days}
    return [
        (f"?{urlencode(kept | {name: value})}", text, value == chosen) for value, text in choices
    ]


def _table(effect: Effect, by: By) -> Table:
    names = {"variant": ("Placement", "Variant"), "product": ("Product", "Title")}
    headers = (*names.get(by, (by.capitalize(),)), *_HEADERS)
    rows = [
        [*(_key(value) for value in group.keys.values()), *_cells(group)] for group in effect.groups
    ]
    note = f"The first {_SHOWN}, those that brought most." if len(rows) == _SHOWN else ""
    return Table(headers, rows, note)


def _key(value: object) -> str:
    return "-" if value is None or value == "" else str(value)


def _cells(group: Group) -> list[str | SafeString]:
    now, before = group.now, group.before or Figures()
    return [
        f"{now.impressions:,}",
        f"{now.clicks:,}",
        _told(now.click_through, before.click_through, ".2%"),
        _told(now.conversion, before.conversion, ".1%"),
        f"{now.revenue:,.2f}",
        _told(now.revenue_per_1000, before.revenue_per_1000, ",.2f"),
    ]


def _told(now: Interval | None, before: Interval | None, form: str) -> SafeString | str:
    """A figure, where it lies, and whether it is clearly other than before."""
    if now is None:
        return "-"
    direction = estimates.direction(estimates.change(now, before))
    figure = fragments.stacked({"mean": now.mean, "low": now.low, "high": now.high}, form)
    if not direction:
        return figure
    word, kind = ("higher than before", "success") if direction > 0 else ("lower", "warning")
    return SafeString(figure + fragments.badge(word, kind))
