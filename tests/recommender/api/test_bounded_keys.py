"""A key of some placements asks for no other list, and one of some fields reads no others."""

import pytest

from recommender.catalog import catalogs, placements
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop


@pytest.fixture
def placed(stocked: Shop) -> Shop:
    for name, operation in (("home", "new"), ("cart", "new"), ("find", "search")):
        document = {"operation": operation, "defaults": {}, "fallback": None, "rules": []}
        made, _ = placements.put(stocked.catalog, name, document)
        placements.publish(made, "")
    stocked.visit("u1", "mug-red")
    return stocked


def bound(shop: Shop, **limits: list[str]) -> Api:
    return Api(catalogs.create_key(shop.catalog, "browser", **limits))


def test_a_key_of_a_placement_asks_for_its_list_and_no_other(placed: Shop):
    key = bound(placed, placements=["home", "find"])
    assert items(key.get("/v1/new", scenario="home", count=2))
    assert key.get("/v1/search", q="mug", scenario="find").status_code == 200
    told = problem(key.get("/v1/new", scenario="cart"), 403, "other-placement")
    assert told["detail"] == (
        "This key is for the placements find, home; the request names 'cart'."
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/new",
        "/v1/search?q=mug",
        "/v1/suggest?q=mug",
        "/v1/users/u1/recommendations",
        "/v1/users/u1/rows",
        "/v1/users/u1/segments?by=brand",
        "/v1/products/mug-red/similar",
        "/v1/explain?product=mug-red&seed=mug-blue",
    ],
)
def test_without_a_placement_it_is_refused_everything(placed: Shop, path: str):
    problem(bound(placed, placements=["home"]).send("GET", path, b""), 403, "other-placement")


def test_in_a_batch_each_request_is_checked(placed: Shop):
    key = bound(placed, placements=["home"])
    asked = [{"operation": "new", "scenario": "home"}, {"operation": "new"}]
    one, other = key.post("/v1/batch", {"requests": asked}).json()["answers"]
    assert "items" in str(one)
    assert "other-placement" in str(other)


def test_it_sends_events_and_goes_on_with_its_lists(placed: Shop):
    key = bound(placed, placements=["home"])
    first = key.get("/v1/new", scenario="home", count=1).json()
    after = key.post(f"/v1/recommendations/{first['rec_id']}/next", {})
    assert after.status_code == 200
    event = {"type": "view", "user": "guest", "product": "mug-red"}
    assert key.post("/v1/events", event).status_code == 202
    free = bound(placed).get("/v1/new", count=1).json()
    problem(key.post(f"/v1/recommendations/{free['rec_id']}/next", {}), 403, "other-placement")


def test_a_key_of_some_fields_reads_no_others(placed: Shop):
    key = bound(placed, fields=["title", "price"])
    (item,) = key.get("/v1/new", count=1, fields="title,price").json()["items"]
    assert item["fields"].keys() == {"title", "price"}
    told = problem(key.get("/v1/new", fields="title,brand"), 403, "other-field")
    assert told["errors"][0]["where"] == "fields"
    problem(key.post("/v1/users/u1/rows", {"fields": ["brand"]}), 403, "other-field")
    problem(key.get("/v1/search", q="mug", facets="brand"), 403, "other-field")
    facets = key.get("/v1/search", q="mug", facets="price")
    assert facets.status_code == 200


def test_what_a_search_highlights_is_of_these_fields(placed: Shop):
    found = bound(placed, fields=["price"]).get("/v1/search", q="mug", highlight="true").json()
    assert found["items"]
    assert all(not item["highlights"] for item in found["items"])
    found = bound(placed, fields=["title"]).get("/v1/search", q="mug", highlight="true").json()
    assert {name for item in found["items"] for name in item["highlights"]} == {"title"}


def test_a_placement_gives_no_more_than_the_key_reads(placed: Shop):
    document = {"operation": "new", "defaults": {"fields": ["brand"]}, "fallback": None,
                "rules": []}  # fmt: skip
    made, _ = placements.put(placed.catalog, "branded", document)
    placements.publish(made, "")
    key = bound(placed, fields=["title"])
    problem(key.get("/v1/new", scenario="branded"), 403, "other-field")
    assert key.get("/v1/new", scenario="branded", fields="title").status_code == 200
