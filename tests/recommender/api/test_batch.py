from typing import Any

import pytest

from recommender.catalog import catalogs
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.recommender.api.test_user_tokens import signed
from tests.shop import Shop

BATCH = "/v1/batch"
FOR_USER = {"operation": "for_user", "user": "u1"}
SIMILAR = {"operation": "similar", "product": "mug-red"}
SEARCH = {"operation": "search", "q": "mug"}
NEW = {"operation": "new"}


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green")
    return stocked


def answers(api: Api, *requests: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    response = api.post(BATCH, {"requests": requests, **members})
    assert response.status_code == 200, response.content
    found: list[dict[str, Any]] = response.json()["answers"]
    return found


def ids(answered: dict[str, Any]) -> list[str]:
    assert answered["status"] == 200, answered
    return [item["id"] for item in answered["answer"]["items"]]


def test_each_list_is_as_it_is_alone(visited: Shop, api: Api) -> None:
    together = answers(
        api,
        {**FOR_USER, "count": 3, "explain": True},
        {**SIMILAR, "count": 2, "filter": {"brand": "Mug Works"}},
        {**SEARCH, "count": 4},
        {**NEW, "fields": ["title"]},
        {"operation": "recommendations", "products": ["lamp-red"], "count": 2},
    )
    alone = [
        api.post("/v1/users/u1/recommendations", {"count": 3, "explain": True}),
        api.post("/v1/products/mug-red/similar", {"count": 2, "filter": {"brand": "Mug Works"}}),
        api.post("/v1/search", {"q": "mug", "count": 4}),
        api.get("/v1/new", fields="title"),
        api.post("/v1/recommendations", {"products": ["lamp-red"], "count": 2}),
    ]
    for batched, response in zip(together, alone, strict=True):
        assert batched["status"] == 200
        assert {**batched["answer"], "rec_id": ""} == {**response.json(), "rec_id": ""}


def test_distinct_lists_share_no_product_and_are_full(visited: Shop, api: Api) -> None:
    asked = [{**one, "count": 5} for one in (SEARCH, SIMILAR, FOR_USER, NEW)]
    plain = [ids(one) for one in answers(api, *asked)]
    distinct = [ids(one) for one in answers(api, *asked, distinct=True)]
    assert set(plain[0]) & set(plain[1])
    assert distinct[0] == plain[0]
    assert [len(one) for one in distinct] == [5, 5, 5, 5]
    assert len({name for one in distinct for name in one}) == 20


def test_what_is_wrong_with_one_fails_no_other(visited: Shop, api: Api) -> None:
    wrong = [
        ({**SIMILAR, "product": "pan"}, 404, "unknown-product", None),
        ({"operation": "similar"}, 400, "invalid", "body.requests.2.product"),
        ({**SIMILAR, "product": ["x"]}, 400, "invalid", "body.requests.3.product"),
        ({**FOR_USER, "count": 0}, 400, "invalid", "body.requests.4.count"),
        ({**FOR_USER, "product": "mug-red"}, 400, "invalid", "body.requests.5.product"),
        ({"operation": "dance"}, 400, "invalid", "body.requests.6.operation"),
        ({}, 400, "invalid", "body.requests.7.operation"),
        ({"operation": ["new"]}, 400, "invalid", "body.requests.8.operation"),
        ({**NEW, "filter": {"prize": 3}}, 400, "invalid-filter", "filter.prize"),
        ({**SEARCH, "q": ""}, 400, "invalid", "body.requests.10.q"),
    ]
    found = answers(api, NEW, *(one for one, *_ in wrong), SIMILAR)
    assert ids(found[0])
    assert ids(found[-1])
    for answered, (_, status, kind, where) in zip(found[1:-1], wrong, strict=True):
        assert (answered["status"], answered["problem"]["status"]) == (status, status)
        assert answered["problem"]["type"].endswith(f":{kind}")
        if where:
            assert [one["where"] for one in answered["problem"]["errors"]] == [where]


def test_a_batch_as_a_whole_is_bounded(api: Api) -> None:
    for body, where in (
        ({}, "body.requests"),
        ({"requests": []}, "body.requests"),
        ({"requests": [NEW] * 21}, "body.requests"),
        ({"requests": ["new"]}, "body.requests.0"),
        ({"requests": [{**NEW, "count": 600}] * 2}, "body.requests"),
        ({"requests": [NEW], "distinct": "yes"}, "body.distinct"),
    ):
        errors = problem(api.post(BATCH, body), 400, "invalid")["errors"]
        assert [error["where"] for error in errors] == [where]


def test_a_browser_is_told_of_a_user_by_their_token_alone(
    visited: Shop, api: Api, browser: Api
) -> None:
    without = answers(browser, FOR_USER, NEW)
    assert without[0]["answer"]["fallback"] == "no_user_token"
    secret = catalogs.create_key(visited.catalog, ApiKey.Scope.TOKEN)
    response = browser.post(BATCH, {"requests": [FOR_USER, {**FOR_USER, "user": "u2"}]},
                            signed(secret, "u1"))  # fmt: skip
    own, other = response.json()["answers"]
    assert ids(own) == ids(answers(api, FOR_USER)[0])
    assert (other["status"], other["problem"]["type"]) == (403, "urn:kinship:problem:other-user")


def test_a_list_of_a_batch_goes_on(visited: Shop, api: Api) -> None:
    asked = [{**SEARCH, "count": 3}, {**SIMILAR, "count": 3}]
    first, second = answers(api, *asked, distinct=True)
    page = api.post(f"/v1/recommendations/{second['answer']['rec_id']}/next", {}).json()
    assert len(page["items"]) == 3
    assert not {item["id"] for item in page["items"]} & {*ids(first), *ids(second)}
