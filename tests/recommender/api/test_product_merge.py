"""A merged product's id stands for the product that stayed, wherever one is named."""

import pytest

from recommender.models import Event
from tests.recommender.api.client import Api, problem
from tests.shop import Shop, numbered


@pytest.fixture
def merged(shop: Shop, api: Api) -> Shop:
    """Twelve products, of which `p4` was merged into `p0`."""
    shop.stock(**numbered(12))
    shop.embed()
    shop.visit("ann", "p1", "p4")
    response = api.post("/v1/products/p0/merge", {"from": "p4"})
    assert response.json() == {"id": "p0", "events": 1, "missing_ids": []}
    return shop


def ids(answer: dict) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_products_like_it_are_those_like_the_one_that_stayed(merged: Shop, api: Api) -> None:
    by_alias = api.get("/v1/products/p4/similar").json()

    assert ids(by_alias) == ids(api.get("/v1/products/p0/similar").json())
    assert not {"p0", "p4"} & set(ids(by_alias))
    assert by_alias["missing_ids"] == []


@pytest.mark.parametrize("path", ["bought-together", "complements", "audience"])
def test_lists_about_it_are_those_about_the_one_that_stayed(
    merged: Shop, api: Api, path: str
) -> None:
    by_alias = api.get(f"/v1/products/p4/{path}")
    assert by_alias.status_code == 200, by_alias.content
    listed = ids(by_alias.json())
    assert listed == ids(api.get(f"/v1/products/p0/{path}").json())
    assert not {"p0", "p4"} & set(listed)


def test_seeds_of_a_request_may_be_named_by_it(merged: Shop, api: Api) -> None:
    for body in ({"products": ["p4"]}, {"user": "ann", "cart": ["p4"]}):
        answer = api.post("/v1/recommendations", body)
        assert answer.status_code == 200, answer.content
        assert answer.json()["missing_ids"] == []
        assert not {"p0", "p4"} & set(ids(answer.json()))


def test_events_sent_of_it_are_events_of_the_one_that_stayed(merged: Shop, api: Api) -> None:
    sent = api.post("/v1/events", {"type": "view", "user": "bob", "product": "p4"})

    assert sent.json()["accepted"] == 1
    kept = Event.objects.filter(product_id=merged.product("p0").pk, user__external_id="bob")
    assert kept.count() == 1


def test_it_is_explained_as_the_one_that_stayed(merged: Shop, api: Api) -> None:
    told = api.get("/v1/explain?seed=p8&product=p4").json()
    assert told["product"] == "p0"
    assert told["stage"] == api.get("/v1/explain?seed=p8&product=p0").json()["stage"]


def test_it_is_read_as_the_one_that_stayed_and_written_for_itself(merged: Shop, api: Api) -> None:
    assert api.get("/v1/products/p4").json()["id"] == "p0"
    assert api.put("/v1/products/p4", {"title": "a mug of its own"}).json()["id"] == "p0"
    assert api.get("/v1/products/p0").json()["title"] == "mug number 0"
    problem(api.delete("/v1/products/p4"), 404, "unknown-product")

    assert api.delete("/v1/products/p0/merge?from=p4").json()["events"] == 1
    assert api.get("/v1/products/p4").json()["title"] == "a mug of its own"


def test_no_list_shows_both(merged: Shop, api: Api) -> None:
    assert "p4" not in ids(api.get("/v1/search?q=mug&count=20").json())
    assert "p4" not in ids(api.get("/v1/new?count=20").json())
    assert "p4" not in [one["id"] for one in api.get("/v1/products").json()["items"]]


def test_a_sync_that_sends_only_the_merged_id_keeps_the_one_that_stayed(
    merged: Shop, api: Api
) -> None:
    sent = [{"id": f"p{n}", "title": f"product {n}"} for n in range(1, 12)]
    page = {"token": "t", "products": sent, "done": True}
    told = api.post("/v1/products/sync", page)
    assert told.status_code == 200, told.content
    assert told.json()["removed"] == 0
    assert api.get("/v1/products/p0").status_code == 200


def test_what_cannot_be_merged_or_parted_says_so(merged: Shop, api: Api) -> None:
    told = problem(api.post("/v1/products/p4/merge", {"from": "p5"}), 409, "not-mergeable")
    assert told["detail"] == "'p4' is merged into 'p0'; part them first."
    assert api.post("/v1/products/p0/merge", {"from": "p4"}).json()["events"] == 0
    parted = api.delete("/v1/products/p0/merge?from=p5").json()
    assert parted == {"id": "p0", "events": 0, "missing_ids": ["p5"]}
