"""From users to segments, and from products to users."""

import pytest

from recommender.catalog import catalogs
from recommender.models import ApiKey, Space
from recommender.profiles import builder
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

BY_BRAND = "/v1/users/u1/segments?by=brand"
AUDIENCE = "/v1/products/mug-blue/audience"


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    """u1 likes mugs, u2 lamps, u3 has had the blue mug; their profiles are stored."""
    stocked.visit("u1", "mug-red", "mug-green", "mug-white")
    stocked.visit("u2", "lamp-red", "lamp-green")
    stocked.visit("u3", "mug-blue", "mug-black")
    users = [stocked.user(name).pk for name in ("u1", "u2", "u3")]
    builder.refresh(Space.objects.get(pk=stocked.space.pk), users)
    return stocked


def values(response) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["value"] for item in response.json()["items"]]


def test_segments_come_by_how_much_of_the_users_list_they_have(visited, api):
    body = api.get("/v1/users/u1/segments", by="category").json()
    assert body["items"][0]["value"] == "Home/Kitchen/Mugs"
    first = body["items"][0]
    assert set(first["because"]) <= {"mug-red", "mug-green", "mug-white"}
    assert first["because"]
    assert all(product.startswith("mug-") for product in first["products"])
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(1.0)
    assert (body["by"], body["spaces"], body["fallback"]) == ("category", ["text@1"], None)


def test_a_body_asks_the_same_and_a_filter_and_attributes_are_taken(visited, api):
    posted = api.post("/v1/users/u1/segments", {"by": "brand", "count": 2})
    assert posted.json() == api.get(f"{BY_BRAND}&count=2").json()
    assert len(values(posted)) == 2
    colours = values(api.get("/v1/users/u1/segments", by="colour", filter='{"colour": "red"}'))
    assert colours == ["red"]
    assert set(values(api.get("/v1/users/u1/segments", by="attributes.fragile"))) <= {
        "True", "False",
    }  # fmt: skip


def test_a_user_nobody_knows_gets_segments_of_what_is_new_and_is_reported(visited, api):
    body = api.get("/v1/users/nobody/segments", by="brand").json()
    assert (body["missing_ids"], body["fallback"]) == (["nobody"], "newest")
    assert body["items"]


@pytest.mark.parametrize("by", ["price", "grams", "no-such", "title"])
def test_what_cannot_be_counted_by_is_refused(visited, api, by):
    told = problem(api.get("/v1/users/u1/segments", by=by), 400, "unknown-field")
    assert [error["where"] for error in told["errors"]] == ["by"]
    problem(api.get("/v1/users/u1/segments", by=""), 400, "invalid")


def test_a_browser_key_learns_neither_what_a_user_did_nor_what_is_not_public(visited):
    browser = Api(catalogs.create_key(visited.catalog, ApiKey.Scope.BROWSER))
    body = browser.get(BY_BRAND).json()
    nobody = browser.get("/v1/users/nobody/segments?by=brand").json()
    assert body["fallback"] == "no_user_token"
    assert body["items"] == nobody["items"]
    problem(browser.get("/v1/users/u1/segments", by="colour"), 400, "unknown-field")
    problem(browser.get(AUDIENCE), 403, "wrong-scope")


def test_the_audience_is_who_likes_such_things_and_has_not_had_it(visited, api):
    body = api.get(AUDIENCE).json()
    assert [member["id"] for member in body["items"]] == ["u1", "u2"]
    assert body["items"][0]["score"] > body["items"][1]["score"]
    assert body["space"] == "text@1"
    for exclude in ("none", "purchased"):
        everybody = api.get(AUDIENCE, exclude=exclude).json()["items"]
        assert {member["id"] for member in everybody} == {"u1", "u2", "u3"}
    assert len(api.get(AUDIENCE, count=1).json()["items"]) == 1


def test_a_product_without_a_vector_has_no_audience_and_an_unknown_one_is_an_error(visited, api):
    visited.put({"id": "new", "title": "Something new"})
    told = api.get("/v1/products/new/audience").json()
    assert told == {"space": None, "degraded": {}, "items": []}
    problem(api.get("/v1/products/pan/audience"), 404, "unknown-product")
