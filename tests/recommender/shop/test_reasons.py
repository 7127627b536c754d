import re

import pytest
from django.test import Client

from recommender.catalog import sample
from recommender.models import Catalog, Event, User
from tests.recommender import goods
from tests.recommender.shop import page
from tests.recommender.shop.conftest import HOME, told
from tests.shop import Shop, event

PLAYED = "sim-coffee-lover-01"


@pytest.fixture
def store(db: None) -> Shop:
    """The goods in a catalog of the sample store's name, with one of its shoppers."""
    shop = goods.stock(Shop.open(sample.NAME))
    Catalog.objects.filter(pk=shop.catalog.pk).update(in_shop=True)
    shop.post(event(PLAYED, "spade-red", type="purchase"), event("customer-17", "lamp-red"))
    return shop


def test_the_drawer_tells_profile_sources_and_scores(shown, browser):
    browser.post(f"{HOME}event", {"type": "like", "product": "spade-red"})
    html = page.text(browser.get(f"{HOME}why", headers={"HX-Request": "true"}))
    assert "<html" not in html
    assert "Garden/Tools" in html
    assert "You liked <strong>Red spade</strong>" in html
    assert "its text is like what you liked" in html
    assert "Where products are looked for" in html
    assert '<rect width="100"' in html
    assert "<html" in page.text(browser.get(f"{HOME}why"))


def test_the_drawer_of_somebody_new_says_that_nothing_is_known(shown, browser):
    html = page.text(browser.get(f"{HOME}why"))
    assert "Nothing tells yet what you like" in html


def test_a_list_without_an_event_is_shown_beside_it_and_nothing_is_changed(shown, browser):
    for product in ("spade-red", "lamp-red"):
        browser.post(f"{HOME}event", {"type": "like", "product": product})
    user = User.objects.get(catalog=shown.catalog)
    why = page.text(browser.get(f"{HOME}why"))
    events = re.findall(r'what-if\?event=([^"]+)" hx-get', why)
    assert len(events) == 2
    html = page.text(browser.get(f"{HOME}what-if", {"event": events[0]}))
    assert "you liked <strong>Red lamp</strong>" in html
    before, after = re.findall(r"<h3>(?:As it is|Without it)</h3>(.*?)</section>", html, re.DOTALL)
    assert {name.partition("-")[0] for name in page.products(before)} >= {"spade", "lamp"}
    kinds = [name.partition("-")[0] for name in page.products(after)]
    assert kinds[:5] == ["spade"] * 5
    assert html.count("is-gone") > 0
    assert len(told(shown)) == 2
    assert User.objects.get(pk=user.pk).history_version == user.history_version


def test_nobody_takes_away_the_event_of_somebody_else(shown, browser):
    shown.visit("customer", "mug-red")
    other = Event.objects.get(catalog=shown.catalog)
    assert browser.get(f"{HOME}what-if", {"event": str(other.id)}).status_code == 404


def test_a_visitor_plays_a_simulated_shopper_and_goes_on_with_their_history(store, browser):
    assert browser.post("/shop/demo/be", {"shopper": PLAYED})["Location"] == "/shop/demo/"
    html = page.text(browser.get("/shop/demo/"))
    assert "Welcome back, coffee lover" in html
    assert {name.partition("-")[0] for name in page.products(page.row(html, "for_you"))[:5]} == {
        "spade"
    }
    browser.post("/shop/demo/event", {"type": "view", "product": "mug-red"})
    viewed = Event.objects.get(catalog=store.catalog, type="view", product__external_id="mug-red")
    assert viewed.user.external_id == PLAYED


def test_a_visitor_can_be_somebody_new_again(store, browser):
    browser.post("/shop/demo/be", {"shopper": PLAYED})
    browser.post("/shop/demo/be", {"shopper": "new"})
    assert "Nobody knows you yet" in page.text(browser.get("/shop/demo/"))


@pytest.mark.parametrize("wanted", ["customer-17", "", "visitor-1", "sim-nobody-99"])
def test_nobody_plays_a_real_user(store, wanted):
    browser = Client()
    browser.post("/shop/demo/be", {"shopper": wanted})
    assert "Nobody knows you yet" in page.text(browser.get("/shop/demo/"))
    assert wanted == "" or wanted not in page.text(browser.get("/shop/demo/why"))


def test_whoever_wants_to_be_forgotten_is_somebody_new(shown, browser):
    browser.post(f"{HOME}event", {"type": "like", "product": "spade-red"})
    browser.post(f"{HOME}be", {"shopper": "new"})
    html = page.text(browser.get(HOME))
    assert "Nothing tells yet what you like" in page.row(html, "for_you")


def test_other_catalogs_offer_nobody_to_play(shown, browser):
    assert "<select" not in page.text(browser.get(HOME))
    browser.post(f"{HOME}be", {"shopper": PLAYED})
    shown.post(event(PLAYED, "spade-red", type="purchase"))
    assert "Nobody knows you yet" in page.text(browser.get(HOME))
