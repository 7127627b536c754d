from dataclasses import replace
from datetime import timedelta

import pytest

from recommender.models import Catalog
from recommender.retrieval import filters, search_outcomes
from tests.shop import NOON, Shop, event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop_of_mugs(db: None) -> Shop:
    shop = Shop.open("mugs", clock=Catalog.Clock.LAST_EVENT)
    shop.stock(mug="Red mug", cup="Espresso cup", pot="Tea pot")
    Catalog.objects.filter(pk=shop.catalog.pk).update(search_language="english")
    shop.catalog.refresh_from_db()
    return shop


def search(shop: Shop, user: str, query: str | None, *, at=NOON) -> None:
    shop.post(replace(event(user, None, type="search", at=at), query=query))


def found(shop: Shop, text: str, **passes) -> dict[str, float]:
    search_outcomes.learn(shop.catalog)
    passing = filters.parse(passes, {}) if passes else None
    outcomes = search_outcomes.find(shop.catalog, text, passing).fetch()
    return {one.external_id: one.share for one in outcomes}


def test_what_is_done_after_a_search_counts_for_its_text(shop_of_mugs):
    shop = shop_of_mugs
    for number in range(4):
        search(shop, f"u{number}", "coffee mugs")
        shop.post(event(f"u{number}", "cup", type="purchase", at=NOON + 5 * MINUTE))
    search(shop, "u9", "Mug coffee")
    shop.visit("u9", "mug", at=NOON + MINUTE)

    # The same words in another form and order; a purchase says five times a view.
    assert found(shop, "mug, Coffee!") == {
        "cup": pytest.approx(20 / 41),
        "mug": pytest.approx(1 / 41),
    }
    assert found(shop, "coffee mug", id="mug") == {"mug": pytest.approx(1 / 41)}
    assert found(shop, "tea") == {}


def test_only_the_last_search_counts_and_only_for_half_an_hour(shop_of_mugs):
    shop = shop_of_mugs
    search(shop, "ann", "cup")
    search(shop, "ann", "pot", at=NOON + 2 * MINUTE)
    shop.visit("ann", "pot", at=NOON + 3 * MINUTE)
    shop.visit("ann", "mug", at=NOON + 40 * MINUTE)
    search(shop, "bob", None, at=NOON + 3 * MINUTE)
    shop.visit("bob", "mug", at=NOON + 4 * MINUTE)

    assert found(shop, "cup") == {}
    assert found(shop, "pot").keys() == {"pot"}


def test_an_event_that_names_its_query_counts_for_that(shop_of_mugs):
    shop = shop_of_mugs
    search(shop, "ann", "cup")
    shop.post(replace(event("ann", "mug", type="click", at=NOON + MINUTE), query="red thing"))

    assert found(shop, "cup") == {}
    assert found(shop, "red things").keys() == {"mug"}


def test_a_user_has_one_vote_and_what_is_gone_is_not_found(shop_of_mugs):
    shop = shop_of_mugs
    for minute in range(5):
        search(shop, "ann", "cup", at=NOON + 3 * minute * MINUTE)
        shop.visit("ann", "cup", at=NOON + (3 * minute + 1) * MINUTE)
    search(shop, "bob", "cup", at=NOON)
    shop.post(event("bob", "pot", type="dislike", at=NOON + MINUTE))

    assert found(shop, "cup") == {"cup": pytest.approx(1 / 21)}
    shop.put({"id": "cup", "title": "Espresso cup", "in_stock": False})
    assert found(shop, "cup") == {}


def test_another_catalog_learns_nothing_of_it(shop_of_mugs):
    search(shop_of_mugs, "ann", "cup")
    shop_of_mugs.visit("ann", "cup", at=NOON + MINUTE)
    other = Shop.open("other")
    other.stock(cup="Cup")

    assert found(shop_of_mugs, "cup").keys() == {"cup"}
    assert found(other, "cup") == {}
