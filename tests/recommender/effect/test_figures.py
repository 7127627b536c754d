from datetime import UTC, date, datetime
from typing import Any

import pytest

from recommender.effect import figures
from recommender.effect.figures import By, Period
from recommender.models import EffectFigure
from tests.recommender.effect.shown import DAY
from tests.shop import Shop

TODAY = date(2026, 11, 28)
WEEK = Period(TODAY - 6 * DAY, TODAY)


def figure(shop: Shop, day: date = TODAY, **fields: Any) -> None:
    usual = {"operation": "for_user", "placement": "home", "source": "text", "hours": 0}
    EffectFigure.objects.create(catalog=shop.catalog, day=day, **(usual | fields))


def whole(shop: Shop, day: date = TODAY, **fields: Any) -> None:
    EffectFigure.objects.create(catalog=shop.catalog, day=day, operation="", **fields)


def test_a_period_is_followed_from_as_many_days_before() -> None:
    assert WEEK.days == 7
    assert WEEK.before == Period(TODAY - 13 * DAY, TODAY - 7 * DAY)
    assert figures.last_days().until == datetime.now(UTC).date()


def test_what_lists_brought_is_summed_for_the_period_and_the_one_before(shop: Shop) -> None:
    other = Shop.open("other")
    figure(other, impressions=1000)
    figure(shop, impressions=100, clicks=5)
    figure(shop, WEEK.since, impressions=100, clicks=7, purchases=2, revenue=30, hours=24)
    figure(shop, WEEK.before.since, impressions=50, clicks=1)
    figure(shop, WEEK.before.since - DAY, impressions=10_000)
    figure(shop, placement=None, impressions=10, revenue=99, revenue_squares=99 * 99)
    whole(shop, orders=3, hours=None)
    whole(shop, orders=1, hours=24)
    whole(shop, purchases=5, revenue=200, unknown=4)
    whole(shop, WEEK.before.until, orders=8, hours=0)

    effect = figures.read(shop.catalog, WEEK)

    now, before = effect.total.now, effect.total.before
    assert (now.impressions, now.clicks, now.purchases, now.revenue) == (210, 12, 2, 129)
    assert before is not None
    assert (before.impressions, before.clicks) == (50, 1)
    assert [(group.keys["placement"], group.now.revenue) for group in effect.groups] == [
        *(("for_user", 99.0), ("home", 30.0)),
    ]
    assert (effect.whole.orders, effect.whole.touched) == (4, 1)
    assert (effect.whole.revenue, effect.whole.unknown) == (200, 4)
    assert (effect.whole_before.orders, effect.whole_before.touched) == (8, 8)


def test_a_shorter_window_leaves_out_what_is_owed_to_a_longer_one(shop: Shop) -> None:
    figure(shop, clicks=1)
    figure(shop, purchases=1, hours=6)
    whole(shop, orders=1, hours=6)
    assert figures.read(shop.catalog, WEEK).total.now.purchases == 1
    effect = figures.read(shop.catalog, WEEK, hours=1)
    assert effect.total.now.purchases == 0
    assert (effect.whole.orders, effect.whole.touched) == (1, 0)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("placement", [{"placement": "cart"}, {"placement": "home"}]),
        (
            "variant",
            [
                {"placement": "cart", "variant": "B"},
                {"placement": "home", "variant": None},
            ],
        ),
        ("source", [{"source": "popular"}, {"source": "text"}]),
        ("product", [{"product": "lamp", "title": "Lamp"}, {"product": "mug", "title": "Mug"}]),
        ("day", [{"day": TODAY - DAY}, {"day": TODAY}]),
    ],
)
def test_figures_are_grouped_those_first_that_brought_most_and_days_in_order(
    shop: Shop, by: By, keys: list[dict[str, object]]
) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    figure(shop, clicks=1, product_id=shop.product("mug").pk)
    figure(
        shop,
        TODAY - DAY,
        clicks=2,
        placement="cart",
        variant="B",
        source="popular",
        product_id=shop.product("lamp").pk,
    )
    effect = figures.read(shop.catalog, WEEK, by)
    assert [dict(group.keys) for group in effect.groups] == keys
    assert len(figures.read(shop.catalog, WEEK, by, limit=1).groups) == 1


def test_of_nothing_there_are_no_shares(shop: Shop) -> None:
    effect = figures.read(shop.catalog, WEEK)
    assert effect.is_empty
    assert effect.groups == []
    assert effect.total.now.click_through is None
    assert effect.whole.touched_share is None
