"""Similar products by a blend, what is bought together, complements: what a request may say."""

import pytest

from tests.recommender.api.client import problem
from tests.recommender.api.test_recommendations import answer

SIMILAR = "/v1/products/mug-red/similar"
OF_BASKETS = pytest.mark.parametrize("name", ["bought-together", "complements"])


def test_a_blend_may_be_asked_for_in_each_way(stocked, api):
    asked = {"content": 1, "behaviour": 0.5}
    by_body = answer(api.post(SIMILAR, {"blend": asked, "count": 3}))
    for written in ("content:1,behaviour:.5", '{"content": 1, "behaviour": 0.5}'):
        by_address = answer(api.get(SIMILAR, blend=written, count=3))
        assert {**by_address, "rec_id": ""} == {**by_body, "rec_id": ""}
    # Nothing was trained: what is asked for and cannot count is told.
    assert by_body["degraded"] == {"behaviour": "not_learnt"}
    assert {item["id"].split("-")[0] for item in by_body["items"]} == {"mug"}
    assert all(item["why"]["code"] == "similar_to" for item in by_body["items"])


@pytest.mark.parametrize(
    ("blend", "where"),
    [
        ("content:x", "query.blend.content"),
        ("colour:1", "query.blend.colour"),
        ("content:-1", "query.blend.content"),
        ("content:nan", "query.blend.content"),
        ("content:1e999", "query.blend.content"),
        ("content:0", "query.blend"),
        ("content", "query.blend.content"),
    ],
)
def test_a_blend_that_is_none_is_refused(stocked, api, blend, where):
    body = problem(api.get(SIMILAR, blend=blend), 400, "invalid")
    assert where in [error["where"] for error in body["errors"]]


@OF_BASKETS
def test_what_was_never_bought_falls_back_and_a_product_nobody_knows_is_an_error(
    stocked, api, name
):
    address = f"/v1/products/mug-red/{name}"
    body = answer(api.get(address, count=3, explain="true", fields="title"))
    assert body["fallback"] == "newest"
    assert "mug-red" not in [item["id"] for item in body["items"]]
    posted = answer(api.post(address, {"count": 3, "explain": True, "fields": ["title"]}))
    assert {**posted, "rec_id": ""} == {**body, "rec_id": ""}
    for response in (
        api.get(f"/v1/products/pan/{name}"), api.post(f"/v1/products/pan/{name}", {})
    ):  # fmt: skip
        assert problem(response, 404, "unknown-product")["missing_ids"] == ["pan"]
    problem(api.get(address, exclude="none"), 400, "unknown-parameter")
