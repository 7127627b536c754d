from typing import Any

import pytest

from recommender.catalog import catalogs
from recommender.history import popularity
from recommender.models import ApiKey
from tests.recommender.api.client import Api, items, problem
from tests.recommender.api.test_user_tokens import signed
from tests.shop import Shop, event

EXPLAIN = "/v1/explain"


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green")
    stocked.post(event("u1", "lamp-red", type="purchase"))
    return stocked


def explained(api: Api, product: str, **asked: Any) -> dict[str, Any]:
    response = api.get(EXPLAIN, product=product, **asked)
    assert response.status_code == 200, response.content
    told: dict[str, Any] = response.json()
    assert told["product"] == product
    assert told["reason"].endswith(".")
    return told


@pytest.mark.parametrize("whose", [{"user": "u1"}, {"seed": "mug-red"}])
def test_what_is_listed_is_told_with_its_place_and_parts(
    visited: Shop, api: Api, whose: dict[str, str]
) -> None:
    address = "/v1/users/u1/recommendations" if "user" in whose else "/v1/products/mug-red/similar"
    listed = api.get(address, count=4).json()["items"]
    for item in listed:
        told = explained(api, item["id"], count=4, **whose)
        assert (told["stage"], told["place"]) == ("listed", item["rank"])
        assert told["why"]["contributions"] == item["why"]["contributions"]
        assert told["last"]["id"] == listed[-1]["id"]


@pytest.mark.parametrize("whose", [{"user": "u1"}, {"seed": "mug-red"}])
def test_each_way_to_be_left_out_is_told(visited: Shop, api: Api, whose: dict[str, str]) -> None:
    visited.put({"id": "mug-blue", "title": "Blue mug", "in_stock": False})
    api.delete("/v1/products/mug-black")
    narrow = '{"all": [{"colour": "yellow"}, {"price": {"gte": 1, "lte": 20}}], "not": {"id": "x"}}'
    for product, stage, filter_ in (
        ("pan", "unknown", ""),
        ("mug-black", "deleted", ""),
        ("mug-blue", "out_of_stock", ""),
        ("mug-red", "excluded", ""),
        ("mug-white", "filter", narrow),
    ):
        told = explained(api, product, count=2, filter=filter_, **whose)
        assert (told["stage"], told["place"]) == (stage, None)
        assert told["missing_ids"] == (["pan"] if stage == "unknown" else [])
    assert told["conditions"] == ["filter.all[0].colour", "filter.all[1].price.lte"]
    left_out = explained(api, "mug-white", count=2, exclude_ids="mug-white,x", **whose)
    assert left_out["conditions"] == ["exclude_ids"]


def test_what_the_user_had_is_told_with_the_event(visited: Shop, api: Api) -> None:
    told = explained(api, "lamp-red", user="u1")
    assert (told["stage"], told["had"]["type"]) == ("excluded", "purchase")
    assert explained(api, "lamp-red", user="u1", exclude="none", count=24)["stage"] == "listed"


def test_what_is_ranked_too_low_is_told_beside_the_last_that_is_listed(
    visited: Shop, api: Api
) -> None:
    whole = items(api.get("/v1/users/u1/recommendations", count=20))
    told = explained(api, whole[9], user="u1", count=4)
    assert told["stage"] == "rank"
    assert told["why"]["place"] > told["last"]["place"]
    assert told["why"]["score"] <= told["last"]["score"]
    assert told["last"]["id"] in whole[:4]
    for one in (told["why"], told["last"]):
        assert sum(one["contributions"].values()) == pytest.approx(one["score"])
    assert told["candidates"] >= told["why"]["place"]
    told_of = {one["source"] for one in told["sources"]}
    assert told_of == {"text", "popular", "together", "ease", "next"}
    further = explained(api, "spade-red", seed="mug-red", count=4)
    assert (further["stage"], further["last"]["place"]) == ("rank", 4)
    assert further["why"]["place"] > 5


def test_what_no_source_proposes_is_told_with_what_each_says_of_it(visited: Shop, api: Api) -> None:
    # More mugs than a search finds for one list, and a thing that is like none of them.
    visited.put(
        *(
            {"id": f"mug-{number}", "title": f"Mug {number}", "category": "Home/Kitchen/Mugs"}
            for number in range(80)
        ),
        {"id": "odd", "title": "Tractor"},
    )
    visited.embed()
    visited.visit("u2", "mug-red")
    told = explained(api, "odd", user="u2", count=3)
    assert told["stage"] == "not_proposed"
    text = next(one for one in told["sources"] if one["source"] == "text")
    assert text["place"] is None
    assert text["proposed"] > 0
    assert max(text["scores"].values()) < max(text["last_scores"].values())


def test_where_nothing_is_known_of_a_user_the_list_is_what_is_popular(
    visited: Shop, api: Api
) -> None:
    popularity.refresh(visited.catalog)
    told = explained(api, "spade-red", user="nobody", count=2)
    assert (told["stage"], told["fallback"]) == ("fallback", "popular")
    assert told["missing_ids"] == ["nobody"]
    assert explained(api, "lamp-red", user="nobody", count=2)["stage"] == "listed"


def test_a_rule_that_takes_a_place_is_told(visited: Shop, api: Api) -> None:
    first = items(api.get("/v1/users/u1/recommendations", count=3))
    capped = explained(api, first[2], user="u1", count=3, max_per='{"brand": 1}')
    assert capped["stage"] in ("rules", "listed")
    brands = [name.partition("-")[0] for name in first]
    assert (capped["stage"] == "rules") == (brands[2] in brands[:2])


def test_what_cannot_be_explained_is_refused(visited: Shop, api: Api) -> None:
    for asked in ({}, {"user": "u1", "seed": "mug-red"}, {"user": "", "seed": ""}):
        errors = problem(api.get(EXPLAIN, product="mug-red", **asked), 400, "user-or-seed")[
            "errors"
        ]
        assert errors[0]["where"] == "query.user"
    problem(api.get(EXPLAIN, user="u1"), 400, "invalid")
    problem(api.get(EXPLAIN, product="mug-red", seed="pan"), 404, "unknown-product")
    refused = problem(api.get(EXPLAIN, product="mug-red", user="u1", filter='{"x": 1}'), 400)
    assert refused["errors"][0]["where"] == "filter.x"


def test_an_explanation_can_be_traced(visited: Shop, api: Api) -> None:
    told = explained(api, "spade-red", user="u1", count=2, trace="true", timeout_ms=60_000)
    assert {"sources", "fuse", "hydrate", "rank"} <= {stage["stage"] for stage in told["trace"]}
    assert "trace" not in explained(api, "spade-red", user="u1", count=2)


def test_a_browser_is_told_of_a_user_by_their_token_alone(
    visited: Shop, api: Api, browser: Api
) -> None:
    for user in ("u1", "nobody"):
        problem(browser.get(EXPLAIN, product="lamp-red", user=user), 403, "needs-user-token")
    secret = catalogs.create_key(visited.catalog, ApiKey.Scope.TOKEN)
    own = browser.get(EXPLAIN, signed(secret, "u1"), product="lamp-red", user="u1")
    assert own.json() == explained(api, "lamp-red", user="u1")
    assert browser.get(EXPLAIN, product="mug-blue", seed="mug-red").status_code == 200
