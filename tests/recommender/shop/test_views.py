import gzip
import re
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.catalog import catalogs
from recommender.models import Catalog, Event, User
from recommender.retrieval import tallies
from recommender.shop.visitor import COOKIE
from tests.recommender.api.client import Api, items
from tests.recommender.shop import page
from tests.recommender.shop.conftest import HOME
from tests.shop import Shop


def test_somebody_new_is_shown_what_is_popular_and_what_is_new(shown, browser):
    html = page.text(browser.get(HOME))
    assert {"For you", "New"} <= set(page.titles(html)) <= {"For you", "Trending", "New"}
    assert "Nothing tells yet what you like" in page.row(html, "for_you")
    assert not User.objects.filter(catalog=shown.catalog).exists()


def test_a_page_comes_compressed_where_a_browser_takes_that(shown, browser):
    whole = browser.get(HOME)
    packed = browser.get(HOME, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in whole
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) == int(packed["Content-Length"]) < len(whole.content) / 2
    assert "For you" in gzip.decompress(packed.content).decode()


def test_the_rows_follow_what_somebody_likes(shown, browser):
    before = page.products(page.row(page.text(browser.get(HOME)), "for_you"))
    liked = browser.post(
        f"{HOME}event", {"type": "like", "product": "spade-red"}, headers={"HX-Request": "true"}
    )
    assert liked["HX-Trigger"] == "lists-changed"
    assert "You like it" in page.text(liked)
    anew = page.text(browser.get(f"{HOME}row/for_you", {"product": before}))
    shown_now = page.products(anew)
    assert {name.partition("-")[0] for name in shown_now[:5]} == {"spade"}
    assert page.new(anew) == len(set(shown_now) - set(before))
    assert f"{page.new(anew)} of {len(shown_now)} are new" in anew
    assert "Because you liked Red spade" in anew


def test_what_was_begun_can_be_picked_up(shown, browser):
    assert page.row(page.text(browser.get(HOME)), "unfinished") == ""
    for product in ("mug-red", "lamp-blue"):
        browser.post(f"{HOME}event", {"type": "view", "product": product})
    unfinished = page.row(page.text(browser.get(HOME)), "unfinished")
    assert set(page.products(unfinished)) == {"mug-red", "lamp-blue"}
    browser.post(f"{HOME}cart/put", {"product": "mug-red"})
    browser.post(f"{HOME}cart/check-out")
    unfinished = page.row(page.text(browser.get(HOME)), "unfinished")
    assert page.products(unfinished) == ["lamp-blue"]


def test_a_list_of_the_shop_is_the_list_of_the_api(shown, browser):
    browser.post(f"{HOME}event", {"type": "like", "product": "spade-red"})
    user = User.objects.get(catalog=shown.catalog).external_id
    api = Api(catalogs.create_key(shown.catalog, "server"))
    expected = items(api.get(f"/v1/users/{user}/recommendations", count=8))
    assert page.products(page.row(page.text(browser.get(HOME)), "for_you")) == expected


def test_a_product_has_its_rows_and_what_is_public_of_it(shown, browser):
    Catalog.objects.filter(pk=shown.catalog.pk).update(public_attributes=["colour"])
    html = page.text(browser.get(f"{HOME}p/mug-red"))
    assert "<h1>Red mug</h1>" in html
    assert "€10.00" in html
    assert "<dd>red</dd>" in html
    assert "<dt>grams</dt>" not in html
    assert "Similar" in page.titles(html)
    assert page.products(page.row(html, "similar"))[0].startswith("mug-")


def test_looking_at_a_product_is_an_event_with_its_list(shown, browser):
    home = page.text(browser.get(HOME))
    link = re.search(r'href="(/shop/shop/p/[^"]+rec_id=([0-9a-f-]+))"', home)
    assert link
    html = page.text(browser.get(link[1]))
    form = re.search(r'<form hx-post="([^"]+)" hx-trigger="load".*?</form>', html, re.DOTALL)
    assert form
    given = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    assert given["rec_id"] == link[2]
    assert browser.post(form[1], given, headers={"HX-Request": "true"}).status_code == 204
    event = Event.objects.get(catalog=shown.catalog)
    assert (event.type, str(event.rec_id)) == ("view", link[2])


@pytest.mark.parametrize("product_id", ["a/b", "50%", "ü?x=1#y", "a b", "a/../b"])
def test_ids_of_all_kinds_have_a_page(shown, browser, product_id):
    shown.put({"id": product_id, "title": "Odd one", "in_stock": True})
    html = page.text(browser.get(f"{HOME}p/{quote(product_id, safe='')}"))
    assert "<h1>Odd one</h1>" in html


@pytest.mark.parametrize("path", ["p/nothing", "p/%00", "c/nothing", "c/%00", "p/" + "x" * 3000])
def test_what_is_not_there_is_a_page_in_the_shops_look(shown, browser, path):
    response = browser.get(f"{HOME}{path}", headers={"Accept": "text/html"})
    html = page.text(response, 400 if "%00" in path else 404)
    if "%00" not in path:
        assert "Back to the shop" in html


def test_a_sold_out_product_says_so_and_cannot_be_put_into_the_cart(shown, browser):
    shown.put({"id": "gone", "title": "Gone", "in_stock": False})
    html = page.text(browser.get(f"{HOME}p/gone"))
    assert "Sold out" in html
    browser.post(f"{HOME}cart/put", {"product": "gone"})
    assert "Your cart is empty" in page.text(browser.get(f"{HOME}cart"))


def test_hostile_texts_stay_texts(shown, browser):
    shown.put(
        {
            "id": "<b>",
            "title": "<script>alert(1)</script>",
            "brand": "<img src=x>",
            "image_urls": ['https://example.org/a.png?"><script>'],
            "price": 1,
            "currency": "EUR",
        }
    )
    html = page.text(browser.get(f"{HOME}p/%3Cb%3E"))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert '?"><script>' not in html


def test_a_page_goes_on_where_it_ended(shown, browser):
    shown.stock(**{f"extra-{n}": f"mug number {n}" for n in range(30)})
    shown.embed()
    html = page.text(browser.get(f"{HOME}search", {"q": "mug"}))
    following = re.search(r'hx-get="(/shop/shop/more/[^"]+)"', html)
    assert following
    more = page.text(browser.get(following[1], headers={"HX-Request": "true"}))
    assert page.products(more)
    assert not set(page.products(more)) & set(page.products(html))
    assert "<html" in page.text(browser.get(following[1]))
    unknown = browser.get(f"{HOME}more/0197f6f0-0000-7000-8000-000000000000")
    page.text(unknown, 404)


def test_only_rows_that_follow_somebody_are_asked_for_alone(shown, browser):
    for name in ("similar", "nothing"):
        assert browser.get(f"{HOME}row/{name}").status_code == 404


@pytest.mark.parametrize(
    ("path", "most"),
    [("", 30), ("p/mug-red", 40), ("c/Home", 20), ("search?q=mug", 20), ("cart", 20), ("why", 30)],
)
def test_a_page_takes_few_queries(shown: Shop, browser, path, most):
    browser.post(f"{HOME}event", {"type": "like", "product": "spade-red"})
    browser.post(f"{HOME}cart/put", {"product": "lamp-red"})
    tallies.refresh(shown.catalog)
    browser.get(f"{HOME}{path}")
    with CaptureQueriesContext(connection) as queries:
        html = page.text(browser.get(f"{HOME}{path}"))
    assert sum("SAVEPOINT" not in one["sql"] for one in queries) <= most
    assert len(html) < 50_000


def test_pages_are_of_one_visitor_alone(shown, browser):
    response = browser.get(HOME)
    assert {"private", "no-cache"} <= set(response["Cache-Control"].split(", "))
    assert {"Cookie", "HX-Request"} <= set(response["Vary"].split(", "))
    cookie = response.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert COOKIE not in browser.get(HOME).cookies
