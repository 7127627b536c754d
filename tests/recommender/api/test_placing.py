"""What a request that names a placement is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from recommender.api import auth, placing
from recommender.engine import answer_log
from recommender.models import User
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop
from tests.statements import fewest

FOR_USER = "/v1/users/u1/recommendations"
POPULAR = "/v1/popular"


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """A published version counts within half a second; tests do not wait for it."""
    placing._remembered.clear()
    yield
    placing._remembered.clear()


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red")
    stocked.visit("u2", "spade-red", "puzzle-red")
    return stocked


def publish(api: Api, name: str, operation: str, **more: Any) -> None:
    response = api.put(f"/v1/placements/{name}", {"operation": operation, **more})
    assert response.status_code in (200, 201), response.content
    assert api.post(f"/v1/placements/{name}/publish", {}).status_code == 200
    placing._remembered.clear()


def pin(product: str, place: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": f"pin-{product}", "action": "pin", "product": product, "place": place, **more}


def test_the_defaults_stand_where_the_request_says_nothing(visited: Shop, api: Api) -> None:
    publish(
        api, "home", "for_user", defaults={"count": 3, "fields": ["brand"], "max_per": {"brand": 1}}
    )
    body = api.get(FOR_USER, scenario="home").json()
    assert (body["scenario"], body["scenario_version"]) == ("home", 1)
    brands = [item["fields"]["brand"] for item in body["items"]]
    assert len(brands) == len(set(brands)) == 3
    own = api.get(FOR_USER, scenario="home", count=5, max_per="{}").json()
    assert len(own["items"]) == 5
    assert "scenario" not in api.get(FOR_USER).json()


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "for_user": ("POST", {}),
    "similar": ("POST", {}),
    "bought_together": ("POST", {}),
    "complements": ("POST", {}),
    "popular": ("GET", {}),
    "trending": ("GET", {}),
    "new": ("GET", {}),
    "search": ("POST", {"q": "red"}),
    "recommendations": ("POST", {"products": ["lamp-red"]}),
}
ADDRESSES = {
    "for_user": FOR_USER,
    "similar": "/v1/products/lamp-red/similar",
    "bought_together": "/v1/products/lamp-red/bought-together",
    "complements": "/v1/products/lamp-red/complements",
    "popular": POPULAR,
    "trending": "/v1/trending",
    "new": "/v1/new",
    "search": "/v1/search",
    "recommendations": "/v1/recommendations",
}


def ask(api: Api, operation: str, **more: Any) -> dict[str, Any]:
    method, body = ASKED[operation]
    address = ADDRESSES[operation]
    response = api.get(address, **more) if method == "GET" else api.post(address, {**body, **more})
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.parametrize("operation", ASKED)
def test_every_list_takes_a_placement_with_pins_and_hidden_products(
    visited: Shop, api: Api, operation: str
) -> None:
    rules = [
        pin("puzzle-black", 1, name="Black week"),
        {"id": "no-blue", "action": "hide", "filter": {"colour": "blue"}},
        {"id": "no-seen", "action": "hide", "products": ["mug-white"]},
    ]
    publish(api, "here", operation, defaults={"count": 20}, fallback="new", rules=rules)
    body = ask(
        api, operation, scenario="here", explain=True if ASKED[operation][0] == "POST" else "true"
    )
    ids = [item["id"] for item in body["items"]]
    assert ids[0] == "puzzle-black"
    assert len(ids) == len(set(ids)) >= 15
    assert not [name for name in ids if name.endswith("-blue") or name == "mug-white"]
    why = body["items"][0]["why"]
    assert why["rules"] == [{"id": "pin-puzzle-black", "name": "Black week", "action": "pin"}]
    assert why["placed"] == "pinned"
    assert not body["degraded"].keys() & {"rules.pin-puzzle-black", "rules.no-blue"}
    first = body["items"][0]
    assert sum(first["why"]["contributions"].values()) == pytest.approx(first["score"])


@pytest.mark.parametrize("address", [
    f"{FOR_USER}?scenario=home", f"{FOR_USER}?scenario=home&count=2&explain=true",
    f"{FOR_USER}?scenario=none", f"{FOR_USER}?scenario=product", f"{FOR_USER}?scenario=",
    f"{FOR_USER}?scenario=home&rules=false", f"{FOR_USER}?scenario_version=1",
    f"{FOR_USER}?scenario=home&scenario_version=draft",
    f"{FOR_USER}?scenario=home&scenario_version=0",
    f"{FOR_USER}?scenario=home&scenario_version=7",
    "/v1/products/lamp-red/similar?scenario=product", "/v1/search?q=red&scenario=search",
])  # fmt: skip
def test_both_ways_answer_the_same(visited: Shop, api: Api, browser: Api, address: str) -> None:
    publish(api, "home", "for_user", defaults={"count": 3}, rules=[pin("puzzle-black")])
    publish(api, "product", "similar", defaults={"count": 3}, rules=[pin("puzzle-black")])
    publish(api, "search", "search", defaults={"count": 3}, rules=[pin("puzzle-black")])
    for caller in (api, browser):
        told = []
        for scheme in ("Bearer", "bearer"):
            response = Client(headers={"Authorization": f"{scheme} {caller.key}"}).get(address)
            body = {k: v for k, v in response.json().items() if k != "rec_id"}
            told.append((response.status_code, body))
        assert told[0] == told[1]


def test_a_placement_costs_no_statement_once_it_is_remembered(visited: Shop, api: Api) -> None:
    publish(api, "home", "for_user", defaults={"count": 3})
    placed = fewest(lambda: api.get(FOR_USER, scenario="home"))
    assert placed == fewest(lambda: api.get(FOR_USER, count=3))


def test_who_names_what_is_not_there_is_told_what_is(visited: Shop, api: Api, browser: Api) -> None:
    publish(api, "home", "for_user")
    api.put("/v1/placements/next", {"operation": "for_user"})
    told = problem(api.get(FOR_USER, scenario="hoem"), 400, "unknown-placement")
    assert told["errors"] == [{"where": "scenario", "message": told["detail"]}]
    assert "home, next" in told["detail"]
    told = problem(browser.get(FOR_USER, scenario="next"), 400, "unknown-placement")
    assert told["detail"].endswith("there are: home.")
    problem(api.get(POPULAR, scenario="home"), 400, "other-operation")
    problem(api.get(FOR_USER, scenario="next"), 400, "unknown-placement")


def test_a_server_may_look_at_the_draft_and_a_browser_may_not(
    visited: Shop, api: Api, browser: Api
) -> None:
    publish(api, "home", "for_user", defaults={"count": 3})
    api.put("/v1/placements/home", {"operation": "for_user", "defaults": {"count": 5}})
    draft = api.get(FOR_USER, scenario="home", scenario_version="draft").json()
    assert (draft["scenario_version"], len(draft["items"])) == ("draft", 5)
    asked = {"scenario": "home", "scenario_version": "draft"}
    problem(browser.get(FOR_USER, **asked), 403, "needs-server-key")
    problem(browser.get(FOR_USER, scenario="home", rules="false"), 403, "needs-server-key")
    assert len(browser.get(FOR_USER, scenario="home").json()["items"]) == 3


def test_the_pages_after_go_on_by_the_same_version(visited: Shop, api: Api) -> None:
    rules = [{"id": "no-blue", "action": "hide", "filter": {"colour": "blue"}}]
    publish(api, "home", "for_user", defaults={"count": 4}, rules=[*rules, pin("puzzle-black")])
    first = api.get(FOR_USER, scenario="home").json()
    publish(api, "home", "for_user", defaults={"count": 9})
    answer_log.writer.flush()
    second = api.post(f"/v1/recommendations/{first['rec_id']}/next", {}).json()
    assert (second["scenario_version"], len(second["items"])) == (1, 4)
    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert len(set(ids)) == 8
    assert not [name for name in ids if name.endswith("-blue")]
    assert api.get(FOR_USER, scenario="home").json()["scenario_version"] == 2


def test_boosts_buries_caps_and_only_from_make_the_list(visited: Shop, api: Api) -> None:
    rules = [
        {"id": "push", "action": "boost", "filter": {"brand": "Puzzle Works"}, "times": 100},
        {"id": "down", "action": "bury", "products": ["puzzle-red"], "times": 0},
        {"id": "two", "action": "cap", "by": "brand", "at_most": 2},
        {"id": "toys", "action": "only_from", "filter": {"price": {"lte": 20}}},
    ]  # fmt: skip
    publish(api, "home", "for_user", defaults={"count": 6}, rules=rules)
    body = api.get(FOR_USER, scenario="home", fields="brand,price", explain="true").json()
    brands = [item["fields"]["brand"] for item in body["items"]]
    assert brands[:2] == ["Puzzle Works"] * 2
    assert max(map(brands.count, brands)) == 2
    assert all(item["fields"]["price"] <= 20 for item in body["items"])
    assert "puzzle-red" not in items(api.get(FOR_USER, scenario="home"))[:2]
    acted = body["items"][0]["why"]["rules"]
    assert acted == [{"id": "push", "name": "push", "action": "boost"}]
    plain = api.get(FOR_USER, scenario="home", rules="false").json()
    assert max(item["score"] for item in plain["items"]) < 100


def test_a_pin_stands_only_where_its_product_may(visited: Shop, api: Api) -> None:
    visited.put({"id": "lamp-blue", "title": "Blue lamp", "in_stock": False})
    rules = [
        pin("lamp-blue"), pin("none"), pin("mug-blue", 2), pin("mug-red", 3), pin("mug-black", 40),
    ]  # fmt: skip
    publish(api, "home", "for_user", defaults={"count": 4}, rules=rules)
    body = api.get(FOR_USER, scenario="home", filter='{"colour": {"ne": "blue"}}').json()
    assert body["degraded"] == {
        "rules.pin-lamp-blue": "unavailable",
        "rules.pin-none": "unknown_product",
        "rules.pin-mug-blue": "filtered_out",
        "rules.pin-mug-black": "beyond_the_list",
    }
    ids = [item["id"] for item in body["items"]]
    assert ids[2] == "mug-red", "though the user has seen it"
    asked = api.get(FOR_USER, scenario="home", exclude_ids="mug-red").json()
    assert "mug-red" not in [item["id"] for item in asked["items"]]


def test_a_rule_acts_in_its_time_and_for_its_audience(visited: Shop, api: Api) -> None:
    User.objects.filter(external_id="u1").update(attributes={"tier": "gold"})
    rules = [
        pin("mug-black", 1, until="2024-01-01"),
        pin("puzzle-black", 2, audience={"attributes": {"tier": ["gold"]}}),
        pin("spade-black", 3, audience={"users": "new"}),
    ]
    rules[0]["from"] = "2023-01-01"
    publish(api, "home", "for_user", defaults={"count": 4}, rules=rules)
    known = items(api.get(FOR_USER, scenario="home"))
    assert known[1] == "puzzle-black"
    assert not {"mug-black", "spade-black"} & set(known[:1] + known[2:3])
    new = items(api.get("/v1/users/nobody/recommendations", scenario="home"))
    assert new[2] == "spade-black"
    assert new[1] != "puzzle-black"
    past = api.get(FOR_USER, scenario="home", as_of="2023-06-01").json()
    assert past["items"][0]["id"] == "mug-black"


def test_a_browser_does_not_learn_of_a_known_user_by_the_audience_of_a_rule(
    visited: Shop, api: Api, browser: Api
) -> None:
    User.objects.filter(external_id="u1").update(attributes={"tier": "gold"}, is_anonymous=False)
    rules = [pin("puzzle-black", 1, audience={"attributes": {"tier": "gold"}})]
    publish(api, "home", "for_user", defaults={"count": 4}, rules=rules)
    assert items(api.get(FOR_USER, scenario="home"))[0] == "puzzle-black"
    assert items(browser.get(FOR_USER, scenario="home"))[0] != "puzzle-black"


def test_a_rule_for_some_searches_acts_on_those(visited: Shop, api: Api) -> None:
    publish(api, "search", "search", rules=[pin("puzzle-black", words=["Red Mug"])])
    assert items(api.get("/v1/search", q="mug red", scenario="search"))[0] == "puzzle-black"
    assert items(api.get("/v1/search", q="lamp red", scenario="search"))[0] == "lamp-red"


def test_a_rule_may_go_by_an_attribute_that_browsers_may_not_read(
    visited: Shop, api: Api, browser: Api
) -> None:
    rules = [{"id": "r", "action": "only_from", "filter": {"colour": "black"}}]
    publish(api, "top", "popular", rules=rules)
    assert all(name.endswith("-black") for name in items(browser.get(POPULAR, scenario="top")))


def test_a_rule_that_is_not_understood_any_more_is_told(visited: Shop, api: Api) -> None:
    rules = [{"id": "r", "action": "only_from", "filter": {"colour": "black"}}]
    publish(api, "top", "new", rules=rules)
    catalog = visited.catalog
    catalog.attributes = {}
    catalog.save(update_fields=["attributes"])
    auth._remembered.clear()
    body = api.get("/v1/new", scenario="top").json()
    assert body["degraded"] == {"rules.r": "not_understood"}
    assert body["complete"]


def test_what_a_request_is_about_is_not_pinned(visited: Shop, api: Api) -> None:
    publish(api, "product", "similar", rules=[pin("lamp-red")])
    body = api.get("/v1/products/lamp-red/similar", scenario="product").json()
    assert "lamp-red" not in [item["id"] for item in body["items"]]
    assert body["degraded"] == {}


def test_the_fallback_fills_up_without_what_the_user_had(visited: Shop, api: Api) -> None:
    asked = {"count": 24, "min_relevance": 0.99}
    publish(api, "home", "for_user", defaults=asked, fallback="new")
    body = api.get(FOR_USER, scenario="home").json()
    ids = [item["id"] for item in body["items"]]
    assert body["fallback"] == "new"
    assert len(ids) == len(set(ids)) == 21
    assert not {"mug-red", "mug-green", "lamp-red"} & set(ids)
    assert not body["complete"]
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)


def test_lists_of_a_batch_take_placements(visited: Shop, api: Api) -> None:
    publish(api, "home", "for_user", defaults={"count": 3}, rules=[pin("puzzle-black")])
    parts = [
        {"operation": "for_user", "user": "u1", "scenario": "home"},
        {"operation": "popular", "scenario": "home"},
    ]
    first, second = api.post("/v1/batch", {"requests": parts}).json()["answers"]
    assert first["answer"]["items"][0]["id"] == "puzzle-black"
    assert second["status"] == 400


def test_why_not_is_told_of_what_a_rule_hides(visited: Shop, api: Api) -> None:
    rules = [{"id": "no-blue", "action": "hide", "filter": {"colour": "blue"}}]
    publish(api, "home", "for_user", defaults={"count": 4}, rules=rules)
    asked = {"user": "u1", "product": "mug-blue", "scenario": "home"}
    told = api.get("/v1/explain", **asked).json()
    assert (told["stage"], told["conditions"]) == ("filter", ["rules.no-blue"])
    assert (told["scenario"], told["scenario_version"]) == ("home", 1)
    plain = api.get("/v1/explain", **asked, rules="false").json()
    assert plain["stage"] != "filter"


def test_rows_of_a_page_and_their_further_pages_hide_what_a_rule_hides(
    visited: Shop, api: Api
) -> None:
    rules = [{"id": "no-blue", "action": "hide", "filter": {"colour": "blue"}}]
    publish(api, "page", "rows", defaults={"rows": 2, "count": 3}, rules=rules)
    body = api.get("/v1/users/u1/rows", scenario="page").json()
    assert (body["scenario"], body["scenario_version"], len(body["rows"])) == ("page", 1, 2)
    answer_log.writer.flush()
    pages = [*body["rows"]]
    for row in body["rows"]:
        assert row["scenario"] == "page"
        after = api.post(f"/v1/recommendations/{row['rec_id']}/next", {"count": 20})
        assert after.status_code == 200, after.content
        pages.append(after.json())
    listed = [item["id"] for page in pages for item in page["items"]]
    assert len(listed) > 10
    assert not [name for name in listed if name.endswith("-blue")]
    draft = {"operation": "rows", "rules": [pin("mug-red")]}
    told = problem(api.put("/v1/placements/page", draft), 400, "invalid-placement")
    assert told["errors"][0]["where"] == "body.rules.0.action"
    problem(api.put("/v1/placements/page", {"operation": "rows", "fallback": "new"}), 400)
