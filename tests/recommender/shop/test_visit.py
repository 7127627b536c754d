import re

import pytest
from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client

from recommender.middleware import PagesOnly
from recommender.models import Catalog
from tests.recommender.shop import page
from tests.recommender.shop.conftest import HOME
from tests.shop import Shop


def test_the_one_catalog_that_is_shown_is_at_the_root(shown, browser):
    assert page.row(page.text(browser.get("/")), "new")


def test_of_several_catalogs_a_visitor_chooses(shown, browser):
    other = Shop.open("other")
    Catalog.objects.filter(pk=other.catalog.pk).update(in_shop=True)
    html = page.text(browser.get("/"))
    assert set(re.findall(r'href="/shop/(\w+)/"', html)) == {"shop", "other"}
    assert "There is nothing in this shop yet" in page.text(browser.get("/shop/other/"))


def test_a_catalog_that_is_not_marked_is_not_shown(shop, browser):
    shop.stock(secret="Secret")
    assert browser.get("/")["Location"] == "/admin/"
    for path in ("", "p/secret", "search?q=secret", "cart", "why", "suggest?q=sec"):
        assert browser.get(f"{HOME}{path}").status_code == 404
    assert browser.post(f"{HOME}event", {"type": "view", "product": "secret"}).status_code == 404


def test_a_shop_shows_and_tells_nothing_of_another_catalog(shown, browser):
    other = Shop.open("other")
    Catalog.objects.filter(pk=other.catalog.pk).update(in_shop=True)
    other.stock(secret="Secret thing")
    listed = page.text(browser.get("/shop/other/"))
    rec_id = re.search(r"rec_id=([0-9a-f-]+)", listed)
    assert rec_id
    assert "Secret thing" in listed
    for path in (f"more/{rec_id[1]}", "p/secret"):
        assert browser.get(f"{HOME}{path}").status_code == 404
    browser.post(f"{HOME}event", {"type": "like", "product": "secret"})
    browser.post("/shop/other/cart/put", {"product": "secret"})
    for path in ("", "cart", "search?q=secret", "why"):
        assert "Secret thing" not in page.text(browser.get(f"{HOME}{path}"))


def test_a_file_that_changes_has_another_address(shown, browser):
    html = page.text(browser.get(HOME))
    for name in ("shop.css", "shop.js", "kinds.svg"):
        assert re.search(rf'"/static/recommender/shop/{name}\?[0-9a-f]+[#"]', html)


def test_the_shop_can_be_off(shown, browser, settings):
    settings.SHOP = False
    assert browser.get("/")["Location"] == "/admin/"
    for path in ("", "p/mug-red", "search", "cart", "why", "suggest?q=mug"):
        assert browser.get(f"{HOME}{path}").status_code == 404
    assert browser.post(f"{HOME}cart/put", {"product": "mug-red"}).status_code == 404


def test_no_page_runs_or_styles_by_what_is_written_in_it(shown, browser):
    for path in ("", "p/mug-red", "c/Home", "search?q=mug", "cart", "why"):
        response = browser.get(f"{HOME}{path}")
        html = page.text(response)
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert not re.search(r"<script(?![^>]*src=)|<style|style=|<[^>]* on[a-z]+=|hx-on", html)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["event", "cart/put", "cart/check-out", "be", "picture"])
def test_nothing_is_changed_for_another_site(shown, path):
    browser = Client(enforce_csrf_checks=True)
    browser.get(HOME)
    assert browser.post(f"{HOME}{path}", {"product": "mug-red"}).status_code == 403
    assert browser.get(f"{HOME}{path}").status_code == 405


def test_a_form_with_its_token_is_taken(shown):
    browser = Client(enforce_csrf_checks=True)
    html = page.text(browser.get(HOME))
    token = re.search(r'"X-CSRFToken": "(\w+)"', html)
    assert token
    sent = browser.post(
        f"{HOME}event",
        {"type": "view", "product": "mug-red"},
        headers={"X-CSRFToken": token[1], "HX-Request": "true"},
    )
    assert sent.status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "search?q=%00",
        "search?q=" + "x" * 5000,
        "search?q=mug&brand=%00&price=1e999-x&order=zzz",
        "search?q=mug&price=99999999999999999999-",
        "search?q=%FF%FE",
        "c/Home?price=-5-%C2%B2&brand=" + "b" * 1000,
        "suggest?q=%00%00",
        "row/for_you?product=%00",
        "what-if?event=%00",
        "what-if?event=x",
        "more/not-an-id",
        "p/mug-red?rec_id=%00",
    ],
)
def test_no_address_is_an_error_of_ours(shown, browser, path):
    assert browser.get(f"{HOME}{path}").status_code in (200, 400, 404)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("event", {"type": "view", "product": "\x00"}),
        ("event", {"type": "view", "product": ["x" * 2000, "mug-red"]}),
        ("event", {"type": "view", "product": "mug-red", "rec_id": "\x00"}),
        ("event", {"type": "view"}),
        ("event", {"type": "search", "query": "\x00"}),
        ("event", {"type": "search", "query": "x" * 9000}),
        ("event", {"type": "purchase", "product": "mug-red"}),
        ("event", {}),
        ("cart/put", {"product": "\x00"}),
        ("cart/put", {"product": "mug-red", "quantity": "²"}),
        ("cart/put", {"product": "mug-red", "quantity": "-1"}),
        ("cart/put", {"product": "mug-red", "quantity": "9" * 30}),
        ("cart/check-out", {}),
        ("be", {"shopper": "\x00"}),
        ("picture", {}),
        ("picture", {"picture": "text"}),
    ],
)
def test_no_form_is_an_error_of_ours(shown, browser, path, form):
    assert browser.post(f"{HOME}{path}", form).status_code < 500


def _unused(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_a_database_that_is_away_is_a_page_that_says_so(rf):
    refused = PagesOnly(_unused).process_exception(
        rf.get("/shop/shop/", headers={"Accept": "text/html"}), OperationalError("gone")
    )
    assert refused.status_code == 503
    assert "does not answer" in refused.content.decode()
