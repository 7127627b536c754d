import re
from functools import partial

from django.core.files.uploadedfile import SimpleUploadedFile

from recommender.catalog import catalogs
from recommender.models import Catalog, Event, SearchRedirect
from recommender.retrieval import redirects, vocabulary
from tests.recommender.shop import page
from tests.recommender.shop.conftest import HOME


def test_a_category_shows_all_below_it_and_leads_on(shown, browser):
    html = page.text(browser.get(f"{HOME}c/Home"))
    assert {name.partition("-")[0] for name in page.products(html)} == {"mug", "lamp"}
    assert 'href="/shop/shop/c/Home%2FKitchen"' in html
    below = page.text(browser.get(f"{HOME}c/Home%2FKitchen"))
    assert {name.partition("-")[0] for name in page.products(below)} == {"mug"}


def test_a_category_is_narrowed_by_brand_and_price(shown, browser):
    html = page.text(browser.get(f"{HOME}c/Home"))
    assert "Mug Works (6)" in html
    html = page.text(browser.get(f"{HOME}c/Home", {"brand": "Mug Works", "price": "10-20"}))
    assert sorted(page.products(html)) == ["mug-green", "mug-red"]
    assert '<option value="Mug Works" selected>' in html


def test_ranges_of_prices_can_be_chosen(shown, browser):
    html = page.text(browser.get(f"{HOME}c/Home"))
    ranges = re.findall(r'<option value="([\d.]*-[\d.]*)">[^(]*\((\d+)\)', html)
    assert ranges
    for value, count in ranges:
        narrowed = page.text(browser.get(f"{HOME}c/Home", {"price": value}))
        assert len(page.products(narrowed)) == int(count)


def test_a_search_that_leads_to_a_place_goes_there(shown, browser):
    make = partial(SearchRedirect.objects.create, catalog=shown.catalog)
    make(words=["cups"], category="Home/Kitchen")
    make(words=["returns"], address="https://shop.example/returns")
    redirects.forget()
    html = page.text(browser.get(f"{HOME}search", {"q": "cup"}, follow=True))
    assert {name.partition("-")[0] for name in page.products(html)} == {"mug"}
    away = browser.get(f"{HOME}search", {"q": "returns"})
    assert (away.status_code, away["Location"]) == (302, "https://shop.example/returns")


def test_a_search_finds_words_and_marks_them(shown, browser):
    html = page.text(browser.get(f"{HOME}search", {"q": "red mug"}))
    assert page.products(html)[0] == "mug-red"
    assert "<em>mug</em>" in html
    assert not Event.objects.filter(catalog=shown.catalog).exists()


def test_a_search_is_told_by_its_page(shown, browser):
    html = page.text(browser.get(f"{HOME}search", {"q": "red mug"}))
    form = re.search(r'<form hx-post="([^"]+)" hx-trigger="load".*?</form>', html, re.DOTALL)
    assert form
    given = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
    assert browser.post(form[1], given).status_code == 204
    event = Event.objects.get(catalog=shown.catalog)
    assert (event.type, event.query) == ("search", "red mug")


def test_a_search_is_ordered_as_somebody_chooses(shown, browser):
    html = page.text(browser.get(f"{HOME}search", {"q": "mug", "order": "-price"}))
    assert page.products(html)[0] == "mug-yellow"


def test_a_search_for_nothing_asks(shown, browser):
    assert "Say what you look for" in page.text(browser.get(f"{HOME}search", {"q": "  "}))


def test_what_is_typed_is_completed(shown, browser):
    vocabulary.count(shown.catalog)
    html = page.text(browser.get(f"{HOME}suggest", {"q": "mu"}))
    assert 'href="/shop/shop/search?q=mug"' in html or "/shop/shop/p/mug-" in html
    assert page.text(browser.get(f"{HOME}suggest", {"q": ""})).strip() == ""


def test_a_picture_finds_what_looks_like_it(shown, browser):
    html = page.text(browser.post(f"{HOME}picture", {"picture": _picture()}))
    assert len(page.products(html)) > 5


def test_a_shop_that_reads_no_pictures_says_so(db, browser):
    catalogs.create_catalog("texts", model="wordllama-256")
    Catalog.objects.update(in_shop=True)
    html = page.text(browser.post("/shop/texts/picture", {"picture": _picture()}))
    assert "No model of this shop reads pictures" in html


def _picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 100, "image/png")


def test_a_picture_that_is_too_large_is_refused_with_its_reason(shown, browser):
    picture = SimpleUploadedFile("a.png", b"x" * (9 << 20), "image/png")
    html = page.text(browser.post(f"{HOME}picture", {"picture": picture}), 413)
    assert "more than 8 MB" in html
