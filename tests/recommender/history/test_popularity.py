from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.utils import timezone

from recommender.engine import backfill, batch
from recommender.history import popularity
from recommender.models import Catalog, ProductPopularity
from tests.recommender.history.test_reader import BY_VALUE
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import beside


@pytest.fixture
def museum(db: None) -> Shop:
    """A shop of historical data: its now is its last event."""
    museum = Shop.open("museum", clock=Catalog.Clock.LAST_EVENT)
    museum.stock(mug="Mug", tent="Tent", soap="Soap")
    return museum


def counted(shop: Shop) -> dict[str, tuple[float, float]]:
    """(recent, total) by product."""
    popularity.refresh(shop.catalog)
    rows = ProductPopularity.objects.filter(catalog=shop.catalog).select_related("product")
    return {row.product.external_id: (row.recent, row.total) for row in rows}


def test_a_user_counts_once_for_a_product_by_the_strongest_thing_they_did(museum: Shop) -> None:
    museum.visit("ann", "mug", "mug", "mug")
    museum.post(event("ann", "mug", type="purchase"))
    museum.visit("bob", "mug")

    assert counted(museum) == {"mug": (6.0, 6.0)}


def test_only_the_last_thirty_days_are_recent(museum: Shop) -> None:
    museum.visit("ann", "mug", at=NOON)
    museum.visit("bob", "tent", at=NOON - 30 * DAY + timedelta(hours=1))
    museum.visit("eve", "soap", at=NOON - 30 * DAY - timedelta(hours=1))
    museum.post(event("eve", "mug", type="purchase", at=NOON - 90 * DAY))

    assert counted(museum) == {"mug": (1.0, 6.0), "tent": (1.0, 1.0), "soap": (0.0, 1.0)}


def test_now_is_the_last_event_or_the_time_of_day_as_the_catalog_says(
    shop: Shop, museum: Shop
) -> None:
    now = timezone.now()
    shop.stock(mug="Mug")
    for store in (shop, museum):
        store.visit("ann", "mug", at=now - 31 * DAY)
        store.visit("bob", "mug", at=now - 29 * DAY)

    assert popularity.clock(museum.catalog) == now - 29 * DAY + timedelta(microseconds=1)
    assert timezone.now() - popularity.clock(shop.catalog) < timedelta(minutes=1)
    assert counted(museum)["mug"] == (2.0, 2.0)
    assert counted(shop)["mug"] == (1.0, 2.0)


def test_where_nothing_happened_for_thirty_days_the_last_thirty_count(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")
    last = timezone.now() - 31 * DAY
    shop.visit("ann", "mug", at=last)
    shop.visit("ann", "tent", at=last - 31 * DAY)

    assert popularity.clock(shop.catalog) == last + timedelta(microseconds=1)
    assert counted(shop) == {"mug": (1.0, 1.0), "tent": (0.0, 1.0)}


def test_users_are_counted_in_windows_each_once(museum: Shop) -> None:
    museum.visit("ann", "mug", "mug", at=NOON - timedelta(minutes=1))
    museum.post(event("ann", "mug", type="purchase", at=NOON - 200 * DAY))
    for user, days in (("bob", 8), ("cat", 31), ("dan", 91)):
        museum.visit(user, "mug", at=NOON - days * DAY)

    popularity.refresh(museum.catalog)

    row = ProductPopularity.objects.get(product=museum.product("mug"))
    assert (row.week_users, row.month_users, row.quarter_users, row.all_users) == (1, 2, 3, 4)
    assert row.first_at == NOON - 200 * DAY


def test_what_does_not_speak_for_a_product_counts_no_user(museum: Shop) -> None:
    museum.visit("ann", "mug", at=NOON)
    museum.post(event("bob", "mug", type="dislike", at=NOON - DAY))

    popularity.refresh(museum.catalog)

    row = ProductPopularity.objects.get(product=museum.product("mug"))
    assert (row.week_users, row.all_users, row.first_at) == (1, 1, NOON)


def test_without_events_now_is_the_time_of_day(museum: Shop) -> None:
    assert timezone.now() - popularity.clock(museum.catalog) < timedelta(minutes=1)
    assert counted(museum) == {}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("impression", None),
        ("dislike", None),
        ("remove_from_cart", None),
        ("rating", 1.0),
        ("view_portion", 0.0),
    ],
)
def test_what_does_not_speak_for_a_product_does_not_count(
    museum: Shop, kind: str, value: float | None
) -> None:
    museum.visit("ann", "tent")
    museum.post(event("ann", "mug", type=kind, value=value))

    assert counted(museum) == {"tent": (1.0, 1.0)}


@pytest.mark.parametrize(
    ("kind", "value", "weight"),
    [("rating", 4.5, 0.8), ("rating", None, 1.0), ("view_portion", 0.25, 0.25)],
)
def test_popularity_weighs_what_the_event_says(
    museum: Shop, kind: str, value: float | None, weight: float
) -> None:
    museum.post(event("ann", "mug", type=kind, value=value))

    assert counted(museum) == {"mug": (weight, weight)}


@pytest.mark.parametrize("seed", range(3))
def test_the_table_counts_the_users_that_a_snapshot_counts(museum: Shop, seed: int) -> None:
    museum.stock(**numbered(20))
    random = Random(seed)
    known = [(kind, value) for kind, value, _ in BY_VALUE if kind in museum.catalog.event_weights]
    events = []
    for _ in range(400):
        kind, value = random.choice(known)
        user, product = f"u{random.randrange(12)}", f"p{random.randrange(20)}"
        at = NOON - random.random() * 120 * DAY
        events.append(event(user, product, type=kind, value=value, at=at))
    museum.post(*events)
    popularity.refresh(museum.catalog)

    then = batch.catalog_as_of(museum.catalog, None)
    rows = {row.product_id: row for row in ProductPopularity.objects.all()}
    for window in ("week", "month", "quarter", "all"):
        counted = [
            getattr(rows[key], f"{window}_users") if key in rows else 0
            for key in then.products.keys.tolist()
        ]
        assert then.popularity[window].tolist() == counted
    first = {
        key: at
        for key, at in zip(then.products.keys.tolist(), then.first.tolist(), strict=True)
        if at == at  # noqa: PLR0124 - NaN where nobody liked it
    }
    assert first == {key: row.first_at.timestamp() for key, row in rows.items()}


def test_popularity_weighs_what_the_catalog_says(museum: Shop) -> None:
    museum.catalog.event_weights = {"view": 7.0}
    museum.catalog.save()
    museum.visit("ann", "mug")
    museum.post(event("bob", "mug", type="purchase"))

    assert counted(museum) == {"mug": (7.0, 7.0)}


def test_a_refresh_counts_anew_and_says_when(museum: Shop) -> None:
    museum.visit("ann", "mug", at=NOON)
    counted(museum)
    museum.visit("ann", "tent", at=NOON + 60 * DAY)

    assert counted(museum) == {"mug": (0.0, 1.0), "tent": (1.0, 1.0)}
    museum.catalog.refresh_from_db()
    assert museum.catalog.popularity_refreshed_at is not None


def test_another_catalog_s_popularity_is_its_own(shop: Shop, museum: Shop) -> None:
    shop.stock(mug="Mug")
    museum.visit("ann", "mug")
    counted(museum)

    assert counted(shop) == {}
    assert ProductPopularity.objects.filter(catalog=museum.catalog).exists()


@pytest.mark.parametrize("year", [1, 9999])
def test_the_popularity_of_any_time_can_be_asked_for(museum: Shop, year: int) -> None:
    museum.visit("ann", "mug")

    popular = backfill.popular(museum.catalog, 5, before=datetime(year, 1, 1, tzinfo=UTC))

    assert [candidate.id for candidate in popular] == (["mug"] if year == 9999 else [])


def test_new_users_and_products_do_not_wait_for_a_refresh(committed_shop: Shop) -> None:
    committed_shop.stock(mug="Mug")

    def newcomers() -> list[str]:
        committed_shop.stock(tent="Tent")
        return committed_shop.post(event("somebody new", "tent"))

    outcomes = beside(newcomers, holding=lambda: popularity.refresh(committed_shop.catalog))

    assert outcomes == ["accepted"]
