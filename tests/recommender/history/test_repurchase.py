from datetime import timedelta

import pytest

from recommender.history import popularity, repurchase
from recommender.models import Catalog, ProductPopularity
from tests.shop import DAY, NOON, Shop, event


def buy(shop: Shop, user: str, product: str, *days: float) -> None:
    """Purchases, so many days before noon."""
    shop.post(
        *(event(user, product, type="purchase", at=NOON - timedelta(days=day)) for day in days)
    )


@pytest.fixture
def grocer(db: None) -> Shop:
    """Coffee is bought again every 30 days or so, by ann every 10; a kettle is not."""
    grocer = Shop.open("grocer", clock=Catalog.Clock.LAST_EVENT)
    grocer.stock(coffee="Coffee", kettle="Kettle", salt="Salt")
    for number in range(6):
        buy(grocer, f"u{number}", "coffee", 100 + number, 70 + number, 40 + number)
    for number in range(60):
        buy(grocer, f"k{number}", "kettle", 200 + number)
    buy(grocer, "ann", "coffee", 42, 32, 22, 12)
    buy(grocer, "ann", "kettle", 300)
    buy(grocer, "bob", "coffee", 1)
    buy(grocer, "eve", "salt", 0)
    popularity.refresh(grocer.catalog)
    return grocer


def due(shop: Shop, user: str, days: float = 0) -> set[str]:
    """What is due so many days after noon."""
    keys = set(repurchase.due(shop.user(user).pk, NOON + days * DAY).tolist())
    return {name for name in ("coffee", "kettle", "salt") if shop.product(name).pk in keys}


def test_what_is_bought_again_is_due_after_its_interval_and_not_the_day_after(grocer):
    row = ProductPopularity.objects.get(product=grocer.product("coffee"))
    assert row.repeat_days == pytest.approx(25, rel=0.15)
    assert due(grocer, "bob") == set()
    assert due(grocer, "bob", 10) == set()
    assert due(grocer, "bob", 26) == {"coffee"}


def test_the_users_own_interval_counts(grocer):
    """Ann drinks more: twelve days are more than her ten."""
    assert due(grocer, "ann") == {"coffee"}


def test_what_nobody_buys_again_is_never_due(grocer):
    row = ProductPopularity.objects.get(product=grocer.product("kettle"))
    assert row.repeat_share < 0.05
    assert due(grocer, "ann", 400) == {"coffee"}
    assert due(grocer, "k3", 400) == set()


def test_a_purchase_in_two_parts_is_no_interval(grocer):
    for user in ("p", "q"):
        buy(grocer, user, "kettle", 20, 20.01)
    popularity.refresh(grocer.catalog)
    assert ProductPopularity.objects.get(product=grocer.product("kettle")).repeat_share < 0.05


def test_nothing_is_due_in_a_catalog_where_nothing_was_bought_again(shop):
    shop.stock(mug="Mug")
    buy(shop, "ann", "mug", 100)
    popularity.refresh(shop.catalog)
    assert repurchase.due(shop.user("ann").pk, NOON).tolist() == []
