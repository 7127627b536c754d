from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db.models import Sum

from recommender.effect import counting
from recommender.history.erasure import erase_user
from recommender.history.merge_products import merge_products, part_products
from recommender.models import EffectFigure, LateDay, User
from tests.recommender.effect.shown import DAY, HOUR, MINUTE, did, show
from tests.shop import Shop

# Noon of the day before: whatever the hour is now, what happens then is past.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - DAY

Counted = dict[str, float]


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    shop.put(
        {"id": "mug", "title": "Mug", "price": 10},
        {"id": "lamp", "title": "Lamp", "price": 40},
    )
    return shop


def total(shop: Shop, **narrowed: object) -> Counted:
    """What came of lists, of all days and ways."""
    figures = EffectFigure.objects.filter(catalog=shop.catalog, **narrowed).exclude(operation="")
    names = ("impressions", "clicks", "carts", "purchases", "revenue")
    found = figures.aggregate(**{name: Sum(name, default=0) for name in names})
    return {name: value for name, value in found.items() if value}


def orders(shop: Shop) -> dict[int | None, int]:
    """Orders by how they were touched."""
    rows = EffectFigure.objects.filter(catalog=shop.catalog, operation="", orders__gt=0)
    return dict(rows.values_list("hours", "orders"))


def test_what_follows_a_list_is_counted_for_its_placement_product_and_source(stocked: Shop) -> None:
    rec = show(stocked, NOON, "mug", "lamp", variant="B", source="behaviour")
    stocked.post(
        *(did("impression", "ann", product, NOON + MINUTE, rec) for product in ("mug", "lamp")),
        did("click", "ann", "mug", NOON + 2 * MINUTE, rec),
        did("add_to_cart", "ann", "mug", NOON + 3 * MINUTE, rec),
        did("purchase", "ann", "mug", NOON + 4 * MINUTE, rec, value=9.5, quantity=2),
        did("purchase", "bob", "lamp", NOON),
    )
    counting.recount(stocked.catalog)

    assert total(stocked) == {
        "impressions": 2, "clicks": 1, "carts": 1, "purchases": 1, "revenue": 19.0
    }  # fmt: skip
    of_mug = EffectFigure.objects.get(product_id=stocked.product("mug").pk)
    assert (of_mug.placement, of_mug.variant, of_mug.source) == ("home", "B", "behaviour")
    assert (of_mug.hours, of_mug.day) == (0, NOON.date())
    assert orders(stocked) == {0: 1, None: 1}


def test_a_purchase_without_a_value_has_the_products_price(stocked: Shop) -> None:
    rec = show(stocked, NOON, "mug")
    stocked.post(did("purchase", "ann", "mug", NOON + HOUR, rec, quantity=3))
    counting.recount(stocked.catalog)
    assert total(stocked) == {"purchases": 1, "revenue": 30.0}


def test_repeats_of_a_click_or_an_impression_count_once_and_counting_again_changes_nothing(
    stocked: Shop,
) -> None:
    rec = show(stocked, NOON - DAY, "mug")
    sent = [
        did("impression", "ann", "mug", NOON - DAY, rec),
        did("impression", "ann", "mug", NOON - DAY + MINUTE, rec),
        did("click", "ann", "mug", NOON - DAY + HOUR, rec, id="a click"),
        did("view", "ann", "mug", NOON - DAY + HOUR, rec),
        did("click", "ann", "mug", NOON, rec),
    ]
    stocked.post(*sent)
    for _ in range(2):
        counting.recount(stocked.catalog)
        assert total(stocked) == {"impressions": 1, "clicks": 1}
    assert stocked.post(sent[2]) == ["duplicate"]
    counting.recount(stocked.catalog)
    assert total(stocked) == {"impressions": 1, "clicks": 1}


def test_late_events_change_the_figures_of_their_day_and_of_those_after_it(stocked: Shop) -> None:
    then = NOON - 6 * DAY
    rec = show(stocked, then, "mug")
    stocked.post(did("click", "ann", "mug", then + DAY, rec))
    counting.recount(stocked.catalog)
    assert total(stocked, day=(then + DAY).date()) == {"clicks": 1}
    assert not LateDay.objects.exists()

    stocked.post(
        did("purchase", "ann", "mug", then + HOUR, rec), did("click", "ann", "mug", then, rec)
    )
    counting.recount(stocked.catalog)
    assert total(stocked, day=then.date()) == {"clicks": 1, "purchases": 1, "revenue": 10.0}
    assert total(stocked, day=(then + DAY).date()) == {}


def test_without_a_rec_id_the_last_touch_within_the_catalogs_time_counts(stocked: Shop) -> None:
    home = show(stocked, NOON - 5 * HOUR, "mug", placement="home")
    cart = show(stocked, NOON - 3 * HOUR, "mug", placement="cart")
    stocked.post(
        did("click", "ann", "mug", NOON - 5 * HOUR + MINUTE, home),
        did("impression", "ann", "mug", NOON - 3 * HOUR + MINUTE, cart),
        did("purchase", "ann", "mug", NOON),
        did("purchase", "bob", "mug", NOON),
        did("purchase", "ann", "lamp", NOON),
    )
    counting.recount(stocked.catalog)
    bought = EffectFigure.objects.exclude(operation="").get(purchases__gt=0)
    assert (bought.placement, bought.hours, bought.revenue) == ("cart", 6, 10.0)
    assert orders(stocked) == {6: 1, None: 1}

    stocked.catalog.touch_hours = 1
    counting.recount(stocked.catalog)
    assert total(stocked) == {"impressions": 1, "clicks": 1}
    assert orders(stocked) == {None: 2}


def test_by_answer_what_is_listed_is_seen_and_touches(stocked: Shop) -> None:
    stocked.catalog.impressions_by = "answer"
    show(stocked, NOON - HOUR, "mug", "lamp", user="ann")
    show(stocked, NOON, "mug")
    stocked.post(
        did("purchase", "ann", "lamp", NOON),
        did("view", "ann", "mug", NOON),
        did("impression", "ann", "mug", NOON),
    )
    counting.recount(stocked.catalog)
    assert total(stocked) == {"impressions": 3, "purchases": 1, "revenue": 40.0}


def test_a_rec_id_counts_only_for_what_its_list_showed_in_its_catalog_within_a_week(
    stocked: Shop,
) -> None:
    other = Shop.open("other")
    other.stock(mug="Mug")
    rec, foreign = show(stocked, NOON - 8 * DAY, "mug"), show(other, NOON, "mug")
    fresh = show(stocked, NOON, "mug")
    stocked.post(
        did("click", "ann", "mug", NOON, rec),
        did("click", "ann", "mug", NOON, foreign),
        did("click", "ann", "lamp", NOON, fresh),
        did("click", "ann", "mug", NOON, uuid4()),
        did("click", "ann", "mug", NOON),
    )
    for one in (stocked, other):
        counting.recount(one.catalog)
        assert total(one) == {}
    unknown = EffectFigure.objects.aggregate(number=Sum("unknown"))["number"]
    assert unknown == 2, "the foreign one and one that nobody made"


@pytest.mark.parametrize(("exclude_bots", "clicks"), [(True, 1), (False, 2)])
def test_what_bots_do_counts_where_the_catalog_counts_them(
    stocked: Shop, exclude_bots: bool, clicks: int
) -> None:
    stocked.catalog.exclude_bots = exclude_bots
    stocked.catalog.save()
    rec, again = show(stocked, NOON, "mug"), show(stocked, NOON, "mug")
    stocked.post(did("click", "ann", "mug", NOON, rec), did("click", "bot", "mug", NOON, again))
    User.objects.filter(external_id="bot").update(exclusion=User.Exclusion.BOT)
    counting.recount(stocked.catalog)
    assert total(stocked) == {"clicks": clicks}


def test_an_erased_users_clicks_are_gone_from_the_figures(stocked: Shop) -> None:
    then = NOON - 4 * DAY
    rec = show(stocked, then, "mug")
    stocked.post(did("click", "ann", "mug", then, rec))
    counting.recount(stocked.catalog)
    assert total(stocked) == {"clicks": 1}
    erase_user(stocked.user("ann"))
    counting.recount(stocked.catalog)
    assert total(stocked) == {}


def test_only_catalogs_that_list_are_due_and_those_with_late_events(stocked: Shop) -> None:
    other = Shop.open("other")
    assert counting.due() == []
    show(stocked, NOON, "mug")
    assert counting.due() == [stocked.catalog.pk]
    LateDay.objects.create(catalog=other.catalog, day=NOON.date())
    assert counting.due() == [stocked.catalog.pk, other.catalog.pk]
    assert counting.recount(other.catalog) == []
    assert counting.due() == [stocked.catalog.pk]


def test_days_that_the_log_has_forgotten_stay_as_they_were_counted(stocked: Shop) -> None:
    then = NOON - 10 * DAY
    rec = show(stocked, then, "mug")
    stocked.post(did("click", "ann", "mug", then, rec))
    counting.recount(stocked.catalog)
    assert total(stocked) == {"clicks": 1}
    stocked.catalog.log_days = 5
    stocked.post(did("click", "bob", "mug", then, rec))
    show(stocked, NOON, "mug")
    counting.recount(stocked.catalog)
    assert total(stocked) == {"clicks": 1}


def test_what_a_merged_product_brought_counts_for_the_one_that_stayed(stocked: Shop) -> None:
    rec = show(stocked, NOON, "lamp", source="behaviour")
    stocked.post(
        did("impression", "ann", "lamp", NOON + MINUTE, rec),
        did("click", "ann", "lamp", NOON + 2 * MINUTE, rec),
        did("purchase", "ann", "lamp", NOON + 3 * MINUTE, value=40),
    )
    counting.recount(stocked.catalog)
    before = total(stocked, product_id=stocked.product("lamp").pk)
    assert before["purchases"] == before["clicks"] == before["impressions"] == 1

    merge_products(stocked.catalog, "mug", "lamp")
    counting.recount(stocked.catalog)

    assert total(stocked, product_id=stocked.product("mug").pk) == before
    part_products(stocked.catalog, "mug", "lamp")
    counting.recount(stocked.catalog)
    assert total(stocked, product_id=stocked.product("lamp").pk) == before
