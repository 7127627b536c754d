"""What lists brought as JSON has it, and in words."""

from dataclasses import asdict
from typing import Any

from recommender.effect import estimates
from recommender.effect.figures import Effect, Figures, Group, Whole
from recommender.models import Catalog
from recommender.ranking.metrics import Interval

_COUNTS = ("impressions", "clicks", "carts", "purchases")
_MEASURES = ("click_through", "conversion", "revenue_per_1000")

HOW = (
    "Nothing is known yet of what lists bring: send the rec_id of an answer with the events "
    "(impression, click, add_to_cart, purchase) that follow from it."
)
NO_IMPRESSIONS = (
    "There are no impressions, so there is no click-through: send events of type impression with "
    'their rec_id, or count what is listed as seen (the catalog\'s setting "Impressions by").'
)


def document(catalog: Catalog, effect: Effect) -> dict[str, Any]:
    """The effect as `GET /v1/metrics/effect` answers it."""
    period = effect.period
    return {
        "from": period.since,
        "until": period.until,
        "before": {"from": period.before.since, "until": period.before.until},
        "window_hours": effect.hours,
        "impressions_by": catalog.impressions_by,
        "log_share": catalog.log_share,
        "note": note(effect),
        "total": {
            **_measured(effect.total),
            **_orders(effect.whole),
            "unknown_rec_ids": effect.whole.unknown,
            "touched_share_change": interval_document(
                estimates.change(effect.whole.touched_share, effect.whole_before.touched_share)
            ),
        },
        "items": [{**group.keys, **_measured(group)} for group in effect.groups],
    }


def note(effect: Effect) -> str | None:
    """What there is to do where figures lack; None where none do."""
    if effect.is_empty:
        return HOW
    return None if effect.total.now.impressions else NO_IMPRESSIONS


def _measured(group: Group) -> dict[str, Any]:
    """The figures, those of the period before, and the change of each share and mean."""
    now = figures_document(group.now)
    if group.before is None:
        return {**now, "before": None, "change": None}
    changes = {
        name: interval_document(
            estimates.change(getattr(group.now, name), getattr(group.before, name))
        )
        for name in _MEASURES
    }
    return {**now, "before": figures_document(group.before), "change": changes}


def figures_document(figures: Figures) -> dict[str, Any]:
    """The figures of one period as JSON has them."""
    return {
        **{name: getattr(figures, name) for name in _COUNTS},
        "revenue": round(figures.revenue, 2),
        **{name: interval_document(getattr(figures, name)) for name in _MEASURES},
    }


def _orders(whole: Whole) -> dict[str, Any]:
    return {
        "orders": whole.orders,
        "orders_touched": whole.touched,
        "touched_share": interval_document(whole.touched_share),
        "revenue_of_all_orders": round(whole.revenue, 2),
    }


def interval_document(interval: Interval | None) -> dict[str, float] | None:
    """An interval as JSON has it."""
    return None if interval is None else asdict(interval)
