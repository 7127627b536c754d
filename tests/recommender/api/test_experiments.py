from typing import Any

import pytest

from recommender.models import Experiment
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

PATH = "/v1/experiments/diverse"
PLAN: dict[str, Any] = {
    "placement": "home",
    "part_to": 0.2,
    "variants": [
        {"name": "control", "share": 0.5},
        {"name": "new", "share": 0.5, "overrides": {"diversity": 0.3}},
    ],
}


def test_an_experiment_is_planned_changed_started_widened_and_stopped(api: Api) -> None:
    assert api.put(PATH, PLAN).status_code == 201
    changed = api.put(PATH, PLAN | {"metric": "revenue"})
    assert (changed.status_code, changed.json()["metric"]) == (200, "revenue")
    assert api.post(f"{PATH}/start", {}).json()["status"] == "running"
    assert api.post(f"{PATH}/start", {"part_to": 0.6}).json()["part_to"] == 0.6
    problem(api.put(PATH, PLAN), 409, "experiment-state")
    problem(api.post(f"{PATH}/start", {"part_to": 0.1}), 409, "experiment-state")
    told = api.get(PATH).json()
    assert told["variants"][1]["overrides"] == {"diversity": 0.3}
    assert told["result"]["units"] == {"control": 0, "new": 0}
    assert "too little is known" in told["result"]["text"][0]
    ended = api.post(f"{PATH}/stop", {"reason": "seen enough"}).json()
    assert (ended["status"], ended["end_reason"]) == ("ended", "seen enough")
    problem(api.post(f"{PATH}/stop", {}), 409, "experiment-state")
    assert [one["name"] for one in api.get("/v1/experiments").json()["items"]] == ["diverse"]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"variants": PLAN["variants"][:1]}, "invalid"),
        ({"variants": [PLAN["variants"][0]] * 2}, "invalid-experiment"),
        ({"part_from": 0.5}, "invalid-experiment"),
        ({"variants": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.6}]},
         "invalid-experiment"),
        ({"variants": [PLAN["variants"][0],
                       {"name": "b", "share": 0.5, "overrides": {"colour": "red"}}]},
         "invalid-experiment"),
        ({"metric": "smiles"}, "invalid"),
        ({"placement": "\x00"}, "nul-character"),
        ({"speed": 1}, "invalid"),
    ],
)  # fmt: skip
def test_a_plan_that_is_not_right_is_refused(api: Api, changed: dict[str, Any], kind: str) -> None:
    problem(api.put(PATH, PLAN | changed), 400, kind)
    assert not Experiment.objects.exists()


def test_a_name_that_is_none_is_refused(api: Api) -> None:
    problem(api.put("/v1/experiments/Not%20a%20name", PLAN), 400, "invalid-experiment")
    problem(api.get("/v1/experiments/diverse"), 404, "unknown-experiment")
    problem(api.get("/v1/experiments/%00"), 404, "unknown-experiment")


def test_another_catalog_neither_sees_nor_stops_it(api: Api, stranger: Api, shop: Shop) -> None:
    api.put(PATH, PLAN)
    api.post(f"{PATH}/start", {})
    problem(stranger.get(PATH), 404, "unknown-experiment")
    problem(stranger.post(f"{PATH}/stop", {}), 404, "unknown-experiment")
    assert stranger.get("/v1/experiments").json() == {"items": []}
    assert Experiment.objects.get(catalog=shop.catalog).status == "running"
