from typing import Any
from uuid import UUID

import pytest

from recommender.catalog import catalogs
from recommender.engine import answer_log
from recommender.models import ApiKey
from tests.recommender.api.client import Api, items, problem
from tests.recommender.api.test_user_tokens import signed
from tests.shop import Shop, event

FOR_USER = "/v1/users/u1/recommendations"


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green")
    return stocked


def pages(api: Api, first: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """A list to its end, each page by the id of the page before."""
    found = [first]
    while found[-1]["items"]:
        address = f"/v1/recommendations/{found[-1]['rec_id']}/next"
        response = api.post(address, {"count": count})
        assert response.status_code == 200, response.content
        found.append(response.json())
    assert len({page["rec_id"] for page in found}) == len(found)
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize(
    ("address", "body", "listed"),
    [
        (FOR_USER, {}, 22),
        ("/v1/products/mug-red/similar", {}, 23),
        ("/v1/recommendations", {"products": ["mug-red"], "session": []}, 23),
        ("/v1/search", {"q": "red mug", "user": "u1"}, 24),
        (FOR_USER, {"filter": {"category": {"under": "Home"}}, "explain": True}, 10),
        ("/v1/users/nobody/recommendations", {}, 24),
    ],
)
def test_a_list_goes_on_to_its_end_without_a_repeat(
    visited: Shop, api: Api, address: str, body: dict[str, Any], listed: int
) -> None:
    found = pages(api, api.post(address, {"count": 5, **body}).json(), 5)
    everything = [name for page in found for name in ids(page)]
    assert len(everything) == len(set(everything)) == listed
    assert all(page["items"] for page in found[:-1])
    assert found[-1]["complete"] is False
    if body.get("explain"):
        assert all(item["why"]["text"] for page in found for item in page["items"])


def test_charts_go_on_too(visited: Shop, api: Api) -> None:
    whole = items(api.get("/v1/new", count=24))
    found = pages(api, api.get("/v1/new", count=7).json(), 7)
    assert [ids(page) for page in found] == [whole[at : at + 7] for at in range(0, 28, 7)] + [[]]


def test_a_list_goes_on_as_it_was_while_the_user_goes_on_too(visited: Shop, api: Api) -> None:
    whole = items(api.get(FOR_USER, count=22))
    page = api.get(FOR_USER, count=1).json()
    shown = ids(page)
    had: list[str] = []
    for step in range(10):
        # Every kind in turn, so that a list made anew would be another one each time.
        had.append(next(name for name in reversed(whole) if name not in {*shown, *had}))
        visited.post(event("u1", had[-1], type="purchase", id=f"e{step}"))
        page = api.post(f"/v1/recommendations/{page['rec_id']}/next", {}).json()
        assert not set(ids(page)) & {*shown, *had}
        shown += ids(page)
    assert shown == whole[:11]


def test_what_is_sold_out_or_passes_no_more_is_not_on_the_next_page(
    visited: Shop, api: Api
) -> None:
    asked = {"count": 3, "filter": {"price": {"lte": 30}}}
    first = api.post(FOR_USER, asked).json()
    coming = items(api.post(f"/v1/recommendations/{first['rec_id']}/next", {}))
    visited.put({"id": coming[0], "title": "Gone", "in_stock": False})
    api.patch(f"/v1/products/{coming[1]}", {"price": 99})
    then = items(api.post(f"/v1/recommendations/{first['rec_id']}/next", {}))
    assert coming[2] in then
    assert not set(coming[:2]) & set(then)
    assert len(then) == 3


def test_nobody_goes_on_from_what_is_not_theirs(
    visited: Shop, api: Api, browser: Api, stranger: Api
) -> None:
    page = api.get(FOR_USER, count=3).json()
    address = f"/v1/recommendations/{page['rec_id']}/next"
    refused = problem(stranger.post(address, {}), 404, "unknown-answer")
    assert "kept for an hour" in refused["detail"]
    problem(browser.post(address, {}), 403, "needs-user-token")
    secret = catalogs.create_key(visited.catalog, ApiKey.Scope.TOKEN)
    problem(browser.post(address, {}, signed(secret, "ann")), 403, "other-user")
    assert items(browser.post(address, {}, signed(secret, "u1"))) == items(api.post(address, {}))


def test_what_is_not_kept_is_said(visited: Shop, api: Api) -> None:
    page = api.get(FOR_USER, count=3).json()
    answer_log.writer.flush()
    kept = f"/v1/recommendations/{page['rec_id']}/next"
    assert items(api.post(kept, {}))
    lost = api.get(FOR_USER, count=3).json()["rec_id"]
    answer_log.writer._waiting.clear()  # as a process does that is killed
    for rec_id in (lost, UUID(int=4), UUID(int=2**128 - 1)):
        problem(api.post(f"/v1/recommendations/{rec_id}/next", {}), 404, "unknown-answer")
    problem(api.post("/v1/recommendations/mine/next", {}), 400, "invalid")
    problem(api.post(kept, {"count": 0}), 400, "invalid")
