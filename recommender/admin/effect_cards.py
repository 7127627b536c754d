"""What recommendations brought, as the dashboard and the page of effect show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt

from django.urls import reverse

from recommender.admin.fragments import Chart, Series
from recommender.effect import estimates, figures, weeks
from recommender.effect.figures import DAYS, Effect, Figures
from recommender.effect.weeks import Weeks
from recommender.models import Catalog
from recommender.ranking.metrics import Interval

WEEKS = 8
# More would be a page that nobody reads; each has its own.
_CATALOGS = 3
_COLOURS = ("primary-600", "blue-500", "green-500", "orange-400", "base-400")
_STACKED = {"stack": "week"}


@dataclass(frozen=True, slots=True)
class Card:
    """A figure in large, and below it what it was before."""

    name: str
    value: str
    note: str
    trend: str = ""  # "up", "down" or neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A catalog's figures of the last weeks; without any, there are no cards."""

    catalog: Catalog
    address: str
    period: str
    cards: Sequence[Card] = ()
    charts: Sequence[Chart] = ()


def panels(catalogs: Sequence[Catalog]) -> list[Panel]:
    """The first of these catalogs whose lists brought anything; those that did not, not at all."""
    today = datetime.now(UTC).date()
    since = today - timedelta(days=2 * DAYS)
    known = weeks.catalogs_with_figures([catalog.pk for catalog in catalogs], since)
    return [panel(catalog) for catalog in catalogs if catalog.pk in known][:_CATALOGS]


def panel(catalog: Catalog) -> Panel:
    """What the lists of a catalog brought in the last weeks."""
    effect = figures.read(catalog, figures.last_days())
    told = weeks.read(catalog, WEEKS, effect.period.until)
    return Panel(
        catalog=catalog,
        address=f"{reverse('admin:recommender_effectfigure_changelist')}?catalog={catalog.pk}",
        period=period_of(effect),
        cards=cards(effect),
        charts=charts(told) if told.clicks else (),
    )


def period_of(effect: Effect) -> str:
    """The days, and those that they are compared with."""
    now, before = effect.period, effect.period.before
    return (
        f"{now.since:%-d %B} to {now.until:%-d %B %Y}, against {before.since:%-d %B} to "
        f"{before.until:%-d %B %Y}"
    )


def cards(effect: Effect) -> list[Card]:
    """Clicks, orders, revenue and click-through, each against the period before."""
    now, before = effect.total.now, effect.total.before
    whole, past = effect.whole, effect.whole_before
    past_figures = before or Figures()
    return [
        _counted("Clicks on recommendations", now.clicks, past_figures.clicks),
        _counted("Orders with a recommended product", whole.touched, past.touched),
        _counted(
            "Revenue of recommended products",
            now.revenue,
            past_figures.revenue,
            now.revenue_squares + past_figures.revenue_squares,
        ),
        _shared("Of all orders, touched", whole.touched_share, past.touched_share),
        _shared("Seen products that are clicked", now.click_through, past_figures.click_through),
    ]


def _counted(name: str, now: float, before: float, variance: float | None = None) -> Card:
    """A sum against that before; its variance, where not given, is that of Poisson counts."""
    if not before:
        return Card(name, f"{now:,.0f}", "none before")
    spread = estimates.Z * sqrt(now + before if variance is None else variance)
    # Only what is no chance has a direction.
    trend = _trend(now - before) if abs(now - before) > spread else ""
    return Card(name, f"{now:,.0f}", f"{now / before - 1:+.0%}, {before:,.0f} before", trend)


def _shared(name: str, now: Interval | None, before: Interval | None) -> Card:
    if now is None:
        return Card(name, "-", "nothing to tell from")
    found = f"{now.low:.1%} to {now.high:.1%}"
    change = estimates.change(now, before)
    if change is None or before is None:
        return Card(name, f"{now.mean:.1%}", found)
    trend = _trend(estimates.direction(change))
    return Card(name, f"{now.mean:.1%}", f"{found}; {before.mean:.1%} before", trend)


def _trend(change: float) -> str:
    return "up" if change > 0 else "down" if change < 0 else ""


def charts(told: Weeks) -> list[Chart]:
    """Clicks and revenue, a column a week, a colour a placement."""
    labels = [f"{start:%-d %b}" for start in told.starts]
    note = "weeks from Monday; the last is not over"
    return [
        Chart("Clicks a week", note, labels, _series(told.clicks)),
        Chart("Revenue a week", note, labels, _series(told.revenue)),
    ]


def _series(values: Mapping[str, Sequence[float]]) -> list[Series]:
    """A colour for each of the first placements, and one for all the others."""
    own = len(_COLOURS) - 1
    named = list(values.items())
    groups = [(name, [each]) for name, each in named[:own]]
    if others := named[own:]:
        groups.append((f"{len(others)} more", [each for _, each in others]))
    return [
        Series(name, colour, [sum(week) for week in zip(*group, strict=True)], _STACKED)
        for colour, (name, group) in zip(_COLOURS, groups, strict=False)
    ]
