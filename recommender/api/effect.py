"""What recommendations bring, over REST."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import BeforeValidator, Field, WithJsonSchema

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.effect import figures, report
from recommender.effect.figures import MOST_DAYS, Period

router = Router(tags=["effect"], auth=server_key)

_OLDEST, _LATEST = date(2000, 1, 1), date(2999, 12, 31)
_WINDOWS = {"0": 0, "1h": 1, "6h": 6, "1d": 24, "3d": 72, "7d": 168}


def _day(value: Any) -> Any:
    if isinstance(value, str) and len(value) == 10:
        return date.fromisoformat(value)
    raise ValueError("is no date; write it as 2026-11-28")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


class EffectParameters(Strict):
    """Which figures are asked for."""

    since: Annotated[
        Day | None,
        Field(alias="from", description="The first day (UTC); 28 days where it is left out."),
    ] = None
    until: Annotated[Day | None, Field(description="The last day; today if left out.")] = None
    by: Annotated[
        Literal["placement", "variant", "source", "product", "day"],
        Field(description="What the items are of. A list without a placement has its operation's."),
    ] = "placement"
    window: Annotated[
        Literal["0", "1h", "6h", "1d", "3d", "7d"] | None,
        Field(
            description="How long after a list what has no `rec_id` is owed to it, up to the "
            "catalog's own, which counts where it is left out; 0 for what has one alone."
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class IntervalOut(Schema):
    """A figure, and where it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


class EffectFiguresOut(Schema):
    """What was counted. Of nothing there is no share."""

    impressions: int
    clicks: int
    carts: int
    purchases: int
    revenue: float
    click_through: Annotated[IntervalOut | None, Field(description="Clicks an impression.")]
    conversion: Annotated[IntervalOut | None, Field(description="Purchases a click, at most 1.")]
    revenue_per_1000: Annotated[
        IntervalOut | None, Field(description="Revenue for 1,000 impressions.")
    ]


class EffectChangesOut(Schema):
    """What each share and mean gained since the period before."""

    click_through: IntervalOut | None
    conversion: IntervalOut | None
    revenue_per_1000: IntervalOut | None


class MeasuredOut(EffectFiguresOut):
    """The figures of a period and of the one before, which a day has not."""

    before: EffectFiguresOut | None
    change: EffectChangesOut | None


class EffectItemOut(MeasuredOut):
    """The same of one placement, variant, source, product or day."""

    placement: str | None = None
    variant: str | None = None
    source: str | None = None
    product: str | None = None
    title: str | None = None
    day: date | None = None


class EffectTotalOut(MeasuredOut):
    """The same of all lists, and of all orders."""

    orders: Annotated[int, Field(description="What a user buys in a day is one order.")]
    orders_touched: Annotated[int, Field(description="Those with a purchase that a list brought.")]
    touched_share: IntervalOut | None
    touched_share_change: IntervalOut | None
    revenue_of_all_orders: float
    unknown_rec_ids: Annotated[
        int, Field(description="Events whose rec_id the recommendation log does not have.")
    ]


class DaysOut(Schema):
    """Days, the first and the last."""

    since: Annotated[date, Field(alias="from")]
    until: date


class EffectOut(Schema):
    """What recommendations brought."""

    since: Annotated[date, Field(alias="from")]
    until: date
    before: DaysOut
    window_hours: int
    impressions_by: str
    log_share: float
    note: Annotated[str | None, Field(description="What to do where figures lack.")]
    total: EffectTotalOut
    items: list[EffectItemOut]


@router.get(
    "/metrics/effect",
    response=EffectOut,
    by_alias=True,
    summary="What recommendations bring",
)
def get_effect(request: ApiRequest, ask: Parameters[EffectParameters]) -> HttpResponse:
    """Clicks, purchases and revenue that lists brought, with intervals, against the period before.

    Counted every ten minutes.
    """
    codec.check_known(request, ("from", "until", "by", "window", "limit"))
    catalog = request.auth.catalog
    hours = None if ask.window is None else _WINDOWS[ask.window]
    if hours is not None and hours > catalog.touch_hours:
        detail = f"window is longer than what is counted, {catalog.touch_hours} hours."
        raise Problem(400, "window-too-long", detail)
    effect = figures.read(catalog, _period(ask), ask.by, hours=hours, limit=ask.limit)
    return codec.respond(report.document(catalog, effect))


def _period(ask: EffectParameters) -> Period:
    for day in (ask.since, ask.until):
        if day is not None and not _OLDEST <= day <= _LATEST:
            raise Problem(400, "invalid-period", f"{day} is not from {_OLDEST} to {_LATEST}.")
    period = figures.last_days(until=ask.until)
    if ask.since is not None:
        period = Period(ask.since, period.until)
    if not 1 <= period.days <= MOST_DAYS:
        detail = f"From {period.since} to {period.until} are not 1 to {MOST_DAYS:,} days."
        raise Problem(400, "invalid-period", detail)
    return period
