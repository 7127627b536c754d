from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.catalog import catalogs
from recommender.engine import answer_log
from recommender.models import ApiKey, SearchRedirect, Synonyms
from recommender.retrieval import matches, redirects, synonyms, vocabulary
from tests.recommender import goods
from tests.recommender.api.client import Api, items, problem
from workers import tasks

SEARCH, SUGGEST = "/v1/search", "/v1/suggest"


@pytest.fixture
def counted(stocked):
    """The goods with their vectors, and their words counted."""
    vocabulary.count(stocked.catalog)
    return stocked


def test_a_text_finds_products_and_says_what_it_was_taken_for(counted, api):
    body = api.get(SEARCH, q="red puzle", count=3, fields="title", explain="true").json()
    assert body["items"][0]["id"] == "puzzle-red"
    assert body["query"] == {
        "text": "red puzle", "meant": "red puzzle", "missing_words": [], "synonyms": {},
        "relaxed": False,
    }  # fmt: skip
    assert body["degraded"] == {}
    first = body["items"][0]
    assert first["fields"] == {"title": "Red puzzle"}
    assert (first["why"]["code"], first["why"]["text"]) == ("matches_search", "Matches your search")
    assert sum(first["why"]["contributions"].values()) == pytest.approx(first["score"])


def test_a_body_asks_the_same_as_parameters(counted, api):
    body = {"q": "red", "count": 4, "filter": {"category": {"under": "Home"}}}
    assert items(api.post(SEARCH, body)) == items(
        api.get(SEARCH, q="red", count=4, filter='{"category": {"under": "Home"}}')
    )


def test_facets_count_all_that_has_the_words_within_the_filter(counted, api):
    prices = {"field": "price", "ranges": [15, 30]}
    body = {"q": "mug", "count": 1, "facets": ["category", "colour", prices]}
    counts = api.post(SEARCH, body | {"filter": {"price": {"lt": 30}}}).json()["facets"]
    assert (counts["products"], counts["complete"]) == (4, True)
    category, colour, price = counts["fields"]
    assert category["buckets"][0] == {"count": 4, "value": "Home", "lower": None, "upper": None}
    assert {bucket["value"] for bucket in colour["buckets"]} == {"red", "green", "blue", "white"}
    assert [(one["lower"], one["upper"], one["count"]) for one in price["buckets"]] == [
        (None, 15, 1), (15, 30, 3), (30, None, 0),
    ]  # fmt: skip
    assert "facets" not in api.post(SEARCH, {"q": "mug"}).json()


def test_synonyms_find_and_are_told_and_highlighted(counted, api):
    Synonyms.objects.create(catalog=counted.catalog, words=["beaker", "mug"])
    synonyms.forget()
    found = api.get(SEARCH, q="red beaker", sort="price", highlight="true").json()
    assert found["query"]["synonyms"] == {"beaker": ["mug"]}
    assert (found["query"]["missing_words"], found["query"]["relaxed"]) == ([], False)
    assert [item["id"] for item in found["items"]] == ["mug-red"]
    assert found["items"][0]["highlights"]["title"] == "<em>Red</em> <em>mug</em>"


def test_a_search_says_where_the_catalog_has_its_words_lead(counted, api):
    SearchRedirect.objects.create(catalog=counted.catalog, words=["sale"], address="/sale")
    redirects.forget()
    found = api.get(SEARCH, q="sales", count=3).json()
    assert found["redirect"] == {"address": "/sale", "category": None}
    assert len(found["items"]) == 3
    assert api.get(SEARCH, q="mug").json()["redirect"] is None


def test_facets_of_words_that_no_product_has_count_what_was_found(counted, api):
    body = api.get(SEARCH, q="xylophone", count=4, facets="brand").json()
    assert body["facets"]["products"] == 24
    assert body["query"]["relaxed"]


def test_a_browser_key_counts_and_sorts_by_no_attribute_that_is_not_public(counted, browser):
    for given in ({"facets": "colour"}, {"sort": "-grams"}, {"facets": "attributes.colour"}):
        problem(browser.get(SEARCH, q="red", **given), 400, "unknown-field")
    counted.catalog.public_attributes = ["colour"]
    counted.catalog.save()
    found = browser.get(SEARCH, q="red", facets="colour", sort="colour").json()
    assert [one["field"] for one in found["facets"]["fields"]] == ["colour"]


def test_a_sorted_search_lists_what_has_the_words_and_nothing_else(counted, api):
    counted.put({"id": "mug-free", "title": "Free mug", "brand": "Mug Works"})
    found = api.get(SEARCH, q="mugs", sort="-price,title", count=20).json()
    mugs = [f"mug-{colour}" for colour in reversed(goods.COLOURS)]
    assert [item["id"] for item in found["items"]] == [*mugs, "mug-free"]
    assert (found["spaces"], found["degraded"]) == ([], {})
    assert items(api.get(SEARCH, q="mugs", sort="price", count=2)) == ["mug-red", "mug-green"]
    assert items(api.get(SEARCH, q="MUG-BLUE", sort="price", count=1)) == ["mug-blue"]


def test_rules_hold_in_a_sorted_search_and_what_it_shows_is_highlighted(counted, api):
    body = {"q": "mugs lamps", "sort": ["-price"], "count": 4, "max_per": {"brand": 2}}
    found = api.post(SEARCH, body | {"highlight": True, "facets": ["brand"]}).json()
    assert [item["id"] for item in found["items"]] == [
        "lamp-yellow", "mug-yellow", "lamp-black", "mug-black",
    ]  # fmt: skip
    assert all("<em>" in item["highlights"]["title"] for item in found["items"])
    assert found["facets"]["products"] == 12


def test_pages_of_a_sorted_search_go_on_where_the_last_one_ended(counted, api):
    body = {"q": "mugs", "sort": ["price"], "count": 2}
    first = api.post(SEARCH, body).json()
    answer_log.writer.flush()
    second = api.post(f"/v1/recommendations/{first['rec_id']}/next", {"count": 3}).json()
    listed = [item["id"] for page in (first, second) for item in page["items"]]
    assert listed == [f"mug-{colour}" for colour in goods.COLOURS[:5]]


def test_of_too_many_the_first_are_sorted_and_counted_and_the_answer_says_so(
    counted, api, monkeypatch
):
    monkeypatch.setattr(matches, "MOST", 4)
    found = api.get(SEARCH, q="mugs", sort="price", facets="brand").json()
    assert found["degraded"] == {"sort": "too_many_matches"}
    assert found["facets"]["complete"] is False
    assert len(found["items"]) == found["facets"]["products"] == 4


def test_what_shoppers_choose_after_a_search_is_found_by_it(counted, api):
    before = items(api.get(SEARCH, q="present", count=24))
    at = timezone.now() - timedelta(hours=1)
    events = []
    for number in range(5):
        user = f"s{number}"
        events += [
            {"type": "search", "user": user, "query": "presents", "at": at.isoformat()},
            {"type": "purchase", "user": user, "product": "lamp-blue",
             "at": (at + timedelta(minutes=3)).isoformat()},
        ]  # fmt: skip
    assert api.post("/v1/events", events).json()["accepted"] == 10
    tasks.refresh_popularity(counted.catalog.pk)

    found = api.get(SEARCH, q="present", count=24).json()["items"]
    assert found[0]["id"] == "lamp-blue"
    assert found[0]["why"]["contributions"]["chosen"] == pytest.approx(25 / 45)
    assert before[0] != "lamp-blue"


def test_products_and_pictures_are_searched_for(counted, api, browser):
    body = {"products": ["mug-red", {"id": "mug-blue", "weight": 0.5}], "count": 4}
    assert {name.split("-")[0] for name in items(api.post(SEARCH, body))} == {"mug"}
    assert {name.split("-")[0] for name in items(browser.post(SEARCH, body))} == {"mug"}
    seen = api.post(SEARCH, {"picture": "https://shop.example/mug.jpg", "count": 2})
    assert len(items(seen)) == 2
    refused = problem(browser.post(SEARCH, {"picture": "https://shop.example/mug.jpg"}), 400)
    assert refused["errors"][0]["where"] == "body.picture"


@pytest.mark.parametrize(
    "body",
    [{}, {"q": None}, {"products": []}, {"picture": "ftp://x"}, {"picture": 3}, {"picture": None},
     {"products": [{"id": "mug-red", "weight": "heavy"}]}],
)  # fmt: skip
def test_a_search_for_nothing_is_refused(counted, api, body):
    problem(api.post(SEARCH, body), 400, "invalid")


def test_found_words_are_highlighted(counted, browser):
    found = browser.get(SEARCH, q="red puzle", count=1, highlight="true").json()
    assert found["items"][0]["highlights"]["title"] == "<em>Red</em> <em>puzzle</em>"
    assert "highlights" not in browser.get(SEARCH, q="red", count=1).json()["items"][0]


def test_words_that_nothing_has_are_told(counted, api):
    body = api.get(SEARCH, q="red xylophone").json()
    assert body["query"]["missing_words"] == ["xylophone"]
    assert body["query"]["relaxed"] is True


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "body"),
        ({"q": ""}, "body.q"),
        ({"q": "   "}, "body.q"),
        ({"q": "x" * 501}, "body.q"),
        ({"q": ["red"]}, "body.q"),
        ({"q": "red", "count": 0}, "body.count"),
        ({"q": "red", "personal": 2}, "body.personal"),
        ({"q": "red", "personal": "much"}, "body.personal"),
        ({"q": "red", "colour": "red"}, "body.colour"),
        ({"q": "red", "filter": {"colr": "red"}}, "filter.colr"),
        ({"q": "red", "fields": ["colr"]}, "fields"),
        ({"q": "red", "facets": ["brand", "colr"]}, "facets.1"),
        ({"q": "red", "facets": ["released_at"]}, "facets.0"),
        ({"q": "red", "facets": [{"field": "brand", "ranges": [1]}]}, "facets.0"),
        ({"q": "red", "facets": ["brand"] * 11}, "body.facets"),
        ({"q": "red", "sort": ["price", "-colr"]}, "sort.1"),
        ({"q": "red", "sort": ["tags"]}, "sort.0"),
        ({"q": "red", "sort": ["price"] * 6}, "body.sort"),
        ({"q": "red", "highlight": 1}, "body.highlight"),
        ({"q": "red", "filter": {"price": {"lt": {"product": "price"}}}}, "filter.price.lt"),
    ],
)
def test_what_is_not_right_is_named(counted, api, body, where):
    assert where in {one["where"] for one in problem(api.post(SEARCH, body), 400)["errors"]}


@pytest.mark.parametrize("address", [SEARCH, SUGGEST])
def test_an_unknown_parameter_is_refused_and_the_text_must_be_there(counted, api, address):
    problem(api.get(address, q="red", order="price"), 400, "unknown-parameter")
    for given in ({}, {"q": ""}, {"q": "x" * 501}, {"q": "red", "count": "many"}):
        assert problem(api.get(address, **given), 400)["errors"][0]["where"].startswith("query.")


@pytest.mark.parametrize("address", [SEARCH, SUGGEST])
def test_a_text_that_is_no_utf_8_is_refused_and_one_of_odd_letters_is_not(counted, api, address):
    problem(api.get(f"{address}?q=%FF"), 400, "not-utf-8")
    problem(api.get(f"{address}?q=a%00b"), 400)
    for text in ("🫖", "' OR 1=1 --", "a\\'b", "\u202etxet", "日本語", "%", "(&|!)", "x" * 500):
        assert api.get(address, q=text).status_code == 200, text


def test_a_browser_key_without_a_token_searches_without_the_taste(counted, browser, api):
    counted.visit("u1", "mug-red", "mug-green")
    api.put("/v1/users/u1", {})
    body = browser.get(SEARCH, q="yellow", user="u1").json()
    assert body["degraded"] == {"personal": "no_user_token"}
    assert all("personal" not in item["why"]["contributions"] for item in body["items"])


def test_a_browser_key_reads_no_attribute_that_is_not_public(counted, browser):
    body = browser.get(SEARCH, q="red", fields="attributes").json()
    assert all(item["fields"] == {"attributes": {}} for item in body["items"])


def test_a_key_for_embedding_searches_nothing(counted):
    key = Api(catalogs.create_key(counted.catalog, ApiKey.Scope.EMBED))
    assert key.get(SEARCH, q="red").status_code == 403


def test_what_is_being_typed_is_completed(counted, browser):
    found = browser.get(SUGGEST, q="red puz", count=3).json()["suggestions"]
    assert found == [
        {"text": "red puzzle", "kind": "words", "id": None},
        {"text": "Red puzzle", "kind": "product", "id": "puzzle-red"},
    ]


def test_what_fits_a_users_taste_is_suggested_first_but_to_nobody_else(counted, browser, api):
    counted.visit("u1", "puzzle-white", "puzzle-green")
    asked = {"q": "ye", "count": 12}

    def products(response) -> list[str]:
        assert response.status_code == 200, response.content
        found = response.json()["suggestions"]
        return [one["id"] for one in found if one["kind"] == "product"]

    plain = products(api.get(SUGGEST, **asked))
    assert plain[0] != "puzzle-yellow"
    mine = products(api.get(SUGGEST, **asked, user="u1"))
    assert mine[0] == "puzzle-yellow"
    assert set(mine) == set(plain)
    assert products(api.get(SUGGEST, **asked, user="u1", personal=0)) == plain
    told = browser.get(SUGGEST, **asked, user="u1")
    assert (products(told), told.json()["degraded"]) == (plain, {"personal": "no_user_token"})
    unknown = api.get(SUGGEST, **asked, user="nobody")
    assert (products(unknown), unknown.json()["missing_ids"]) == (plain, ["nobody"])
