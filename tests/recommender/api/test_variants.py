"""What users who are in an experiment are answered."""

from collections import Counter
from typing import Any

import pytest

from recommender.api import variants
from recommender.engine import answer_log
from recommender.models import Experiment
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop

PATH = "/v1/experiments/short"
USERS = [f"u{number}" for number in range(40)]


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    variants.forget()


def run(api: Api, placement: str = "", **new: Any) -> None:
    """An experiment of two halves, the second of which is so."""
    plan = {
        "placement": placement,
        "variants": [
            {"name": "control", "share": 0.5},
            {"name": "new", "share": 0.5, **(new or {"overrides": {"count": 2}})},
        ],
    }
    assert api.put(PATH, plan).status_code == 201
    assert api.post(f"{PATH}/start", {}).status_code == 200
    variants.forget()


def asked(api: Api, user: str, **parameters: Any) -> dict[str, Any]:
    response = api.get(f"/v1/users/{user}/recommendations", **parameters)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_a_variant_sets_what_the_request_does_not_say(stocked: Shop, api: Api) -> None:
    run(api)
    for user in USERS:
        answer = asked(api, user)
        is_new = answer["variant"] == "short/new"
        assert (len(answer["items"]) == 2) == is_new
        assert len(asked(api, user, count=3)["items"]) == 3
        # Who is in a variant stays there.
        assert asked(api, user)["variant"] == answer["variant"]
    seen = Counter(asked(api, user)["variant"] for user in USERS)
    assert min(seen["short/control"], seen["short/new"]) >= 8


def test_nobody_is_in_an_experiment_before_its_start_and_after_its_end(
    stocked: Shop, api: Api
) -> None:
    assert "variant" not in asked(api, "u1")
    run(api)
    assert "variant" in asked(api, "u1")
    api.post(f"{PATH}/stop", {})
    variants.forget()
    assert "variant" not in asked(api, "u1")


def test_a_variant_stands_over_its_placement_and_under_the_request(stocked: Shop, api: Api) -> None:
    api.put("/v1/placements/home", {"operation": "for_user", "defaults": {"count": 4}})
    api.post("/v1/placements/home/publish", {})
    run(api, "home")
    for user in USERS[:12]:
        answer = asked(api, user, scenario="home")
        assert answer["scenario"] == "home"
        wanted = 2 if answer["variant"] == "short/new" else 4
        assert len(answer["items"]) == wanted
        assert len(asked(api, user, scenario="home", count=3)["items"]) == 3
        # An experiment of a placement is of its lists alone.
        assert "variant" not in asked(api, user)
        assert "variant" not in asked(api, user, scenario="home", scenario_version="draft")


def test_who_is_held_out_is_shown_nothing_and_is_logged(stocked: Shop, api: Api) -> None:
    run(api, holdout=True)
    out = next(user for user in USERS if asked(api, user)["variant"] == "short/new")
    answer = asked(api, out)
    assert (answer["items"], answer["complete"]) == ([], False)
    assert answer["reason"].startswith("held out by an experiment")
    # What is wrong with a request is told to them, too.
    problem(api.get(f"/v1/users/{out}/recommendations", filter='{"no": 1}'), 400)
    answer_log.writer.flush()
    units = api.get(PATH).json()["result"]["units"]
    assert units["new"] >= 1


def test_a_page_after_is_of_the_same_variant(stocked: Shop, api: Api) -> None:
    run(api)
    user = next(user for user in USERS if asked(api, user)["variant"] == "short/new")
    first = asked(api, user)
    following = api.post(f"/v1/recommendations/{first['rec_id']}/next", {})
    assert following.json()["variant"] == "short/new"
    assert len(items(following)) == 2
    assert not set(items(following)) & {item["id"] for item in first["items"]}


def test_lists_of_nobody_are_in_no_experiment(stocked: Shop, api: Api) -> None:
    run(api)
    assert "variant" not in api.get("/v1/popular").json()
    assert "variant" not in api.post("/v1/recommendations", {"products": ["mug-red"]}).json()


def test_who_is_held_out_of_a_page_of_rows_has_none(stocked: Shop, api: Api) -> None:
    api.put("/v1/placements/page", {"operation": "rows", "defaults": {}})
    api.post("/v1/placements/page/publish", {})
    run(api, "page", holdout=True)
    answers = [api.get(f"/v1/users/{user}/rows", scenario="page").json() for user in USERS[:12]]
    by_variant = {answer["variant"]: len(answer["rows"]) for answer in answers}
    assert by_variant["short/new"] == 0
    assert by_variant["short/control"] > 0


def test_what_a_later_release_does_not_understand_is_told(stocked: Shop, api: Api) -> None:
    run(api)
    row = Experiment.objects.get()
    row.variants[1]["overrides"] = {"count": "many"}
    row.save()
    variants.forget()
    answers = [asked(api, user) for user in USERS[:12]]
    told = {answer["variant"]: answer["degraded"].get("experiment") for answer in answers}
    assert told == {"short/control": None, "short/new": "not_understood"}
