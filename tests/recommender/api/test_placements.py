"""Placements as the shop's server writes, publishes and restores them."""

from typing import Any

import pytest

from recommender.models import PlacementVersion
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

HOME = "/v1/placements/home"
DRAFT = {"operation": "for_user", "defaults": {"count": 4}}


def written(api: Api, path: str = HOME, **more: Any) -> dict[str, Any]:
    response = api.put(path, DRAFT | more)
    assert response.status_code in (200, 201), response.content
    return response.json()


def test_a_draft_is_written_published_and_restored(stocked: Shop, api: Api) -> None:
    made = api.put(HOME, DRAFT)
    assert made.status_code == 201
    assert made.json()["live_version"] is None
    assert made.json()["is_changed"]
    first = api.post(f"{HOME}/publish", {}).json()
    assert (first["version"], first["restores"], first["published_by"]) == (1, None, "API")
    assert written(api, defaults={"count": 6})["live"]["defaults"] == {"count": 4}
    assert api.post(f"{HOME}/publish", {}).json()["version"] == 2
    again = api.post(f"{HOME}/rollback", {"version": 1}).json()
    assert (again["version"], again["restores"]) == (3, 1)
    told = api.get(HOME).json()
    assert told["draft"] == told["live"] == again["document"]
    assert not told["is_changed"]
    versions = api.get(f"{HOME}/versions").json()["items"]
    assert [one["version"] for one in versions] == [3, 2, 1]
    assert [one["document"]["defaults"]["count"] for one in versions] == [4, 6, 4]


def test_a_rule_is_kept_as_it_was_said_with_an_id_and_how_much(stocked: Shop, api: Api) -> None:
    rules = [
        {"action": "boost", "products": ["mug-red"]},
        {"action": "bury", "filter": {"colour": "red"}, "until": "2030-01-01", "id": "b"},
    ]
    assert written(api, rules=rules)["draft"]["rules"] == [
        {"id": "rule-1", "action": "boost", "products": ["mug-red"], "times": 2.0},
        {"id": "b", "action": "bury", "filter": {"colour": "red"}, "times": 0.3,
         "until": "2030-01-01T00:00:00+00:00"},
    ]  # fmt: skip


def test_a_repeated_publish_or_rollback_changes_nothing(stocked: Shop, api: Api) -> None:
    written(api)
    for _ in range(2):
        assert api.post(f"{HOME}/publish", {}).json()["version"] == 1
        assert api.post(f"{HOME}/rollback", {"version": 1}).json()["version"] == 1
    assert PlacementVersion.objects.count() == 1


def test_placements_are_listed_and_deleted(stocked: Shop, api: Api, stranger: Api) -> None:
    written(api)
    written(api, "/v1/placements/cart", operation="recommendations")
    listed = api.get("/v1/placements").json()["items"]
    assert [(one["name"], one["operation"]) for one in listed] == [
        ("cart", "recommendations"),
        ("home", "for_user"),
    ]
    assert stranger.get("/v1/placements").json() == {"items": []}
    problem(stranger.delete(HOME), 404, "unknown-placement")
    assert api.delete(HOME).status_code == 204
    assert "cart" in problem(api.get(HOME), 404, "unknown-placement")["detail"]
    problem(api.post(f"{HOME}/publish", {}), 404)
    problem(api.post("/v1/placements/cart/rollback", {"version": 1}), 404, "unknown-version")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such list": ({"operation": "for_all"}, "body.operation"),
    "no such member": ({"defaults": {"cuont": 4}}, "body.defaults.cuont"),
    "too many": ({"defaults": {"count": 4000}}, "body.defaults.count"),
    "of each request": ({"defaults": {"as_of": "2025-01-01"}}, "body.defaults.as_of"),
    "no such field": ({"defaults": {"filter": {"colr": 1}}}, "body.defaults.filter.colr"),
    "no such action": ({"rules": [{"action": "pn"}]}, "body.rules.0.action"),
    "nothing to pin": ({"rules": [{"action": "pin", "place": 1}]}, "body.rules.0"),
    "nothing to hide": ({"rules": [{"action": "hide"}]}, "body.rules.0"),
    "not of a pin": (
        {"rules": [{"action": "pin", "product": "mug-red", "place": 1, "by": "brand"}]},
        "body.rules.0",
    ),
    "the wrong way": (
        {"rules": [{"action": "bury", "products": ["mug-red"], "times": 3}]},
        "body.rules.0",
    ),
    "ends before it begins": (
        {"rules": [{"action": "hide", "products": ["a"], "from": "2025-02-01",
                    "until": "2025-01-01"}]},
        "body.rules.0",
    ),
    "a rule's filter": (
        {"rules": [{"action": "hide", "filter": {"colr": "red"}}]},
        "body.rules.0.not.colr",
    ),
    "a cap by no group": (
        {"rules": [{"action": "cap", "by": "tags", "at_most": 1}]},
        "body.rules.0.by",
    ),
    "words of no search": (
        {"rules": [{"action": "hide", "products": ["a"], "words": ["mug"]}]},
        "body.rules.0.words",
    ),
    "two of an id": (
        {"rules": [{"id": "x", "action": "hide", "products": ["a"]},
                   {"id": "x", "action": "hide", "products": ["b"]}]},
        "body.rules.1.id",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("more", "where"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_draft_is_told_by_its_place(
    stocked: Shop, api: Api, more: dict[str, Any], where: str
) -> None:
    told = problem(api.put(HOME, DRAFT | more), 400)
    assert told["errors"][0]["where"] == where
    problem(api.get(HOME), 404)


def test_a_name_is_a_word_for_addresses(stocked: Shop, api: Api) -> None:
    assert problem(api.put("/v1/placements/My%20home", DRAFT), 400)["errors"]


def test_rules_that_contradict_one_another_are_told_with_the_draft(stocked: Shop, api: Api) -> None:
    rules = [
        {"id": "first", "action": "pin", "product": "mug-red", "place": 1},
        {"id": "also", "action": "pin", "product": "lamp-red", "place": 1},
        {"id": "none", "action": "pin", "product": "gone", "place": 2},
        {"id": "no-mugs", "action": "hide", "filter": {"category": {"under": "Home/Kitchen"}}},
        {"id": "cheap", "action": "only_from", "filter": {"price": {"lte": 1}}},
        {"id": "late", "action": "pin", "product": "spade-red", "place": 9},
    ]
    told = written(api, rules=rules, defaults={"count": 4, "filter": {"colour": "red"}})
    found = {(one["kind"], tuple(one["rules"])) for one in told["warnings"]}
    assert {
        ("same_place", ("first", "also")),
        ("pin_unavailable", ("none",)),
        ("pin_hidden", ("first", "no-mugs")),
        ("pin_left_out", ("also", "cheap")),
        ("pin_beyond", ("late",)),
        ("not_for_browsers", ()),
    } <= found


def test_only_a_server_key_manages_placements(stocked: Shop, browser: Api) -> None:
    problem(browser.get("/v1/placements"), 403, "wrong-scope")
    problem(browser.put(HOME, DRAFT), 403, "wrong-scope")


def test_the_page_after_is_as_long_as_the_placement_says(stocked: Shop, api: Api) -> None:
    written(api)
    api.post(f"{HOME}/publish", {})
    first = api.get("/v1/users/u1/recommendations", scenario="home").json()
    following = api.post(f"/v1/recommendations/{first['rec_id']}/next", {}).json()
    assert [len(answer["items"]) for answer in (first, following)] == [4, 4]
    assert following["scenario"] == "home"
