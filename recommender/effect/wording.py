"""What lists brought, in sentences for people who sell."""

from collections.abc import Sequence

from recommender.effect import estimates
from recommender.effect.figures import Effect
from recommender.models import Catalog
from recommender.ranking.metrics import Interval


def sentence(catalog: Catalog, effect: Effect) -> str:
    """What all lists brought, in one sentence."""
    now, whole, period = effect.total.now, effect.whole, effect.period
    touched = whole.touched_share
    part = "" if touched is None else f" in {whole.touched:,} of {whole.orders:,} orders"
    return (
        f"From {period.since:%-d %B} to {period.until:%-d %B %Y} recommendations in {catalog} "
        f"brought {counted(now.clicks, 'click')}, {counted(now.purchases, 'purchase')}{part} and "
        f"{now.revenue:,.2f} of revenue."
    )


def changes(effect: Effect) -> Sequence[str]:
    """What is different from the period before, a sentence for each measure that can be told."""
    total = effect.total
    if total.before is None:
        return []
    pairs = (
        ("Click-through", total.now.click_through, total.before.click_through, ".2%"),
        ("Conversion", total.now.conversion, total.before.conversion, ".2%"),
        (
            "Revenue per 1,000 seen",
            *(total.now.revenue_per_1000, total.before.revenue_per_1000, ",.2f"),
        ),
        (
            "The share of orders touched",
            *(effect.whole.touched_share, effect.whole_before.touched_share, ".2%"),
        ),
    )
    days = effect.period.days
    return [
        f"{name}: {compared(now, before, form)} than in the {days} days before."
        for name, now, before, form in pairs
        if now is not None and before is not None
    ]


def compared(now: Interval, before: Interval, form: str) -> str:
    """Whether a figure is higher, lower or no clearly other than one before."""
    direction = estimates.direction(estimates.change(now, before))
    word = {1: "higher", -1: "lower", 0: "not clearly different"}[direction]
    return f"{now.mean:{form}}, {before.mean:{form}} before; {word}"


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
