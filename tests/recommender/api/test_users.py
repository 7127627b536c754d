from urllib.parse import quote

import pytest

from recommender.models import UserMerge
from tests.recommender.api.client import problem
from tests.shop import NOON


def test_a_user_is_given_back_as_put(api):
    attributes = {"age": 40, "likes": ["tea", {"deep": [1, None, True]}], "name": "Zoë 🫖"}
    response = api.put("/v1/users/u1", {"attributes": attributes})
    assert response.status_code == 201
    expected = {"id": "u1", "attributes": attributes, "last_event_at": None}
    assert response.json() == expected
    assert api.get("/v1/users/u1").json() == expected


def test_putting_a_user_again_replaces_the_attributes_and_keeps_the_history(stocked, api):
    stocked.visit("u1", "mug-red", at=NOON)
    response = api.put("/v1/users/u1", {"attributes": {"age": 41}})
    assert response.status_code == 200
    assert response.json()["attributes"] == {"age": 41}
    assert response.json()["last_event_at"] == NOON.isoformat()
    assert api.get("/v1/users/u1/recommendations").json()["fallback"] is None


def test_an_erased_user_is_unknown(stocked, api):
    stocked.visit("u1", "mug-red")
    assert api.delete("/v1/users/u1").status_code == 204
    assert problem(api.get("/v1/users/u1"), 404, "unknown-user")["missing_ids"] == ["u1"]
    problem(api.delete("/v1/users/u1"), 404, "unknown-user")
    answer = api.get("/v1/users/u1/recommendations").json()
    assert answer["missing_ids"] == ["u1"]
    assert "mug-red" in [
        item["id"] for item in api.get("/v1/users/u1/recommendations", count=24).json()["items"]
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("a/b", "a b", "100%", "a%2Fb", "日本 🫖", "a?b", "x" * 255),
        *("x/recommendations", "a/../b", "/", "...", "bulk"),
    ],
)
def test_an_awkward_id_is_an_id_like_any_other(api, name):
    address = f"/v1/users/{quote(name, safe='')}"
    assert api.put(address, {}).json()["id"] == name
    assert api.get(address).json()["id"] == name
    assert api.get(f"{address}/recommendations").json()["missing_ids"] == []
    assert api.post(f"{address}/merge", {"from": "nobody"}).json()["id"] == name
    assert api.delete(address).status_code == 204
    assert api.get(f"{address}/recommendations").json()["missing_ids"] == [name]


@pytest.mark.parametrize("name", ["x" * 256, "a\x00b", "a\nb", ".", "..", " ", b"a\xff"])
def test_an_id_that_cannot_be_is_refused(api, name):
    address = f"/v1/users/{quote(name, safe='')}"
    for response in (api.put(address, {}), api.get(address), api.delete(address)):
        problem(response, 400, "invalid")
    problem(api.get(f"{address}/recommendations"), 400, "invalid")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"attributes": []}, "body.attributes"),
        ({"attributes": {str(n): n for n in range(201)}}, "body.attributes"),
        ({"name": "Zoë"}, "body.name"),
        ([], "body"),
        (5, "body"),
        ("x", "body"),
        (None, "body"),
    ],
)
def test_a_user_that_cannot_be_is_refused_and_says_where(api, body, where):
    errors = problem(api.put("/v1/users/u1", body), 400, "invalid")["errors"]
    assert [error["where"] for error in errors] == [where]


def test_a_visitor_who_signs_in_keeps_what_they_looked_at(stocked, api):
    stocked.visit("visitor-1", "mug-red")
    merged = api.post("/v1/users/ann/merge", {"from": "visitor-1"})
    assert merged.json() == {"id": "ann", "events": 1, "missing_ids": []}
    answer = api.get("/v1/users/ann/recommendations").json()
    assert answer["fallback"] is None
    assert "mug-red" not in [item["id"] for item in answer["items"]]
    problem(api.get("/v1/users/visitor-1"), 404, "unknown-user")
    again = api.post("/v1/users/ann/merge", {"from": "visitor-1"})
    assert again.json() == {"id": "ann", "events": 0, "missing_ids": ["visitor-1"]}


@pytest.mark.parametrize(
    ("body", "kind"),
    [({"from": "ann"}, "same-user"), ({}, "invalid"), ({"from": "a", "to": "b"}, "invalid"),
     ({"from": ""}, "invalid"), ([], "invalid"), ({"from": None}, "invalid")],
)  # fmt: skip
def test_a_merge_that_cannot_be_is_refused(api, body, kind):
    problem(api.post("/v1/users/ann/merge", body), 400, kind)
    problem(api.get("/v1/users/ann"), 404, "unknown-user")


def test_a_browser_merges_nobody(stocked, browser):
    stocked.visit("visitor-1", "mug-red")
    problem(browser.post("/v1/users/ann/merge", {"from": "visitor-1"}), 403, "wrong-scope")


@pytest.mark.parametrize("number", [2**64 - 1, 2**70, -(2**63), 1e30, -1e308])
def test_a_number_of_any_size_is_given_back(api, number):
    text = b'{"attributes": {"deep": [{"size": %s}]}}' % str(number).encode()
    assert api.send("PUT", "/v1/users/u1", text).status_code == 201
    deep = api.get("/v1/users/u1").json()["attributes"]["deep"]
    assert deep == [{"size": pytest.approx(number)}]


def test_a_merge_is_undone_for_a_day(stocked, api, browser):
    stocked.visit("visitor-1", "mug-red")
    api.post("/v1/users/ann/merge", {"from": "visitor-1"})
    path = "/v1/users/ann/merge?from=visitor-1"
    problem(browser.delete(path), 403, "wrong-scope")
    assert api.delete(path).json() == {"id": "ann", "events": 1, "missing_ids": []}
    assert api.get("/v1/users/visitor-1").json()["last_event_at"] == NOON.isoformat()
    assert api.delete(path).json() == {"id": "ann", "events": 0, "missing_ids": ["visitor-1"]}


def test_a_merge_that_is_too_old_or_merged_on_is_not_undone_and_says_why(stocked, api):
    stocked.visit("visitor-1", "mug-red")
    api.post("/v1/users/ann/merge", {"from": "visitor-1"})
    api.post("/v1/users/bob/merge", {"from": "ann"})
    path = "/v1/users/ann/merge?from=visitor-1"
    assert "undo that merge first" in problem(api.delete(path), 409, "merged-on")["detail"]
    UserMerge.objects.update(at=NOON)
    problem(api.delete(path), 409, "merge-too-old")


@pytest.mark.parametrize("query", ["", "?from=", "?from=ann", "?from=a&to=b", "?from=a&from=b"])
def test_an_undoing_that_names_nobody_is_refused(api, query):
    problem(api.delete(f"/v1/users/ann/merge{query}"), 400)
