"""Every way to ask for recommendations: a text, a category, a segment, a cart."""

import pytest

from recommender.catalog import catalogs
from recommender.history import popularity
from recommender.models import ApiKey, ProductNeighbor
from recommender.retrieval import vocabulary
from tests.recommender.api.client import Api, items, problem
from tests.recommender.api.test_recommendations import answer
from tests.shop import event

AD_HOC = "/v1/recommendations"


@pytest.fixture
def counted(stocked):
    """The goods with their words counted, of which u1 viewed some."""
    vocabulary.count(stocked.catalog)
    stocked.visit("u1", "mug-red", "mug-green")
    return stocked


def kinds(body):
    return [item["id"].split("-")[0] for item in body["items"]]


def test_a_text_is_answered_and_the_rest_of_the_request_is_its_taste(counted, api):
    plain = answer(api.post(AD_HOC, {"text": "lamp", "count": 6}))
    assert set(kinds(plain)) == {"lamp"}
    assert {item["why"]["code"] for item in plain["items"]} == {"matches_search"}
    given = {"text": "lamp", "products": ["lamp-blue"], "count": 5}
    taste = answer(api.post(AD_HOC, given))
    assert set(kinds(taste)) == {"lamp"}
    assert "lamp-blue" not in items(api.post(AD_HOC, given))
    assert any("personal" in item["why"]["contributions"] for item in taste["items"])
    of_user = answer(api.post(AD_HOC, {"text": "red", "user": "u1", "count": 6}))
    assert "mug-red" not in [item["id"] for item in of_user["items"]]
    assert of_user["degraded"] == {}


def test_a_segment_and_a_category_narrow_whatever_is_asked(counted, api):
    for narrowed in (
        {"segment": {"brand": "Lamp Works"}},
        {"category": "Home/Light"},
        {"segment": {"category": "Home"}, "filter": {"brand": "Lamp Works"}},
    ):
        body = answer(api.post(AD_HOC, {"user": "u1", "count": 4} | narrowed))
        assert kinds(body) == ["lamp"] * 4
        assert body["fallback"] is None
        assert kinds(answer(api.post(AD_HOC, {"text": "red", "count": 1} | narrowed))) == ["lamp"]
    # Of nobody's taste it is what is popular there.
    assert answer(api.post(AD_HOC, {"category": "Home/Light"}))["fallback"] == "newest"
    unknown = answer(api.post(AD_HOC, {"segment": {"brand": "nobody's"}}))
    assert (unknown["items"], unknown["reason"]) == ([], "filter matches 0 products")


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        ({"segment": {"colr": "red"}}, "invalid-filter", "segment.colr"),
        ({"segment": {"price": "cheap"}}, "invalid-filter", "segment.price"),
        ({"segment": {"brand": ["a", "b"]}}, "invalid", "body.segment.brand"),
        ({"segment": {str(n): 1 for n in range(6)}}, "invalid", "body.segment"),
        ({"text": "x" * 501}, "invalid", "body.text"),
        ({"cart": ["mug-red"], "text": "lamp"}, "invalid", "body"),
        ({"cart": ["mug-red"] * 101}, "invalid", "body.cart"),
        ({"category": 3 * "x" * 600}, "invalid", "body.category"),
    ],
)
def test_what_is_not_right_is_refused_by_its_place(counted, api, body, kind, where):
    told = problem(api.post(AD_HOC, body), 400, kind)
    assert any(error["where"].startswith(where) for error in told["errors"])


def test_a_browser_key_knows_no_segment_that_is_not_public(counted):
    browser = Api(catalogs.create_key(counted.catalog, ApiKey.Scope.BROWSER))
    told = problem(browser.post(AD_HOC, {"segment": {"colour": "red"}}), 400, "invalid-filter")
    assert "A browser key knows only" in told["detail"]
    counted.catalog.public_attributes = ["colour"]
    counted.catalog.save()
    body = answer(browser.post(AD_HOC, {"segment": {"colour": "red"}, "count": 9}))
    assert {item["id"].split("-")[1] for item in body["items"]} == {"red"}


def test_a_cart_is_completed_and_tells_a_browser_nothing_of_a_user(counted, api):
    ProductNeighbor.objects.create(
        catalog=counted.catalog, product=counted.product("mug-red"), kind="bought",
        products=[counted.product(f"{kind}-red").pk for kind in ("lamp", "spade")],
        scores=[0.5, 0.4],
    )  # fmt: skip
    counted.post(event("u1", "lamp-red", type="purchase"))
    asked = {"cart": ["mug-red", "pan"], "explain": True}
    body = answer(api.post(AD_HOC, asked))
    assert [item["id"] for item in body["items"]] == ["lamp-red", "spade-red"]
    assert body["missing_ids"] == ["pan"]
    assert body["reason"] == "what was given goes with 2 products"
    assert body["items"][0]["why"]["text"] == "Goes with Red mug"
    assert items(api.post(AD_HOC, asked | {"user": "u1"})) == ["spade-red"]
    browser = Api(catalogs.create_key(counted.catalog, ApiKey.Scope.BROWSER))
    told = answer(browser.post(AD_HOC, asked | {"user": "u1"}))
    assert [item["id"] for item in told["items"]] == ["lamp-red", "spade-red"]
    assert told["degraded"] == {"user": "no_user_token"}
    assert told["items"][0]["why"]["code"] == "goes_with"


def test_lists_for_everybody_are_of_a_category_and_a_window_and_say_what_they_count(counted, api):
    popularity.refresh(counted.catalog)
    body = api.get("/v1/popular", category="Home/Kitchen", window="all", count=1).json()
    assert body["measured_by"].startswith("weight of all events, the heaviest of each user;")
    assert kinds(body) == ["mug"]
    assert items(api.get("/v1/popular", category="Garden", window="all")) == []
    assert set(kinds(api.get("/v1/new", category="Garden").json())) == {"spade"}
    assert "standard deviations" in api.get("/v1/trending", category="Home").json()["measured_by"]
    problem(api.get("/v1/popular", window="decade"), 400, "invalid")
    problem(api.get("/v1/new", window="week"), 400, "unknown-parameter")
