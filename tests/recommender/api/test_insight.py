from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recommender.insight import runs
from recommender.insight.run import carry_out
from recommender.models import InsightFinding, InsightRun, Space
from recommender.training.fitting import silent
from tests.recommender.api.client import Api, problem
from tests.shop import Shop, numbered


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """Twelve products, of four words."""
    shop.stock(**numbered(12))
    shop.embed()
    return shop


def ask(api: Api, kind: str = "clusters", **parameters: Any) -> dict[str, Any]:
    response = api.post(f"/v1/insight/{kind}", parameters)
    assert response.status_code == 202, response.content
    return response.json()


def do(api: Api, kind: str = "clusters", **parameters: Any) -> str:
    """The id of a run that has ended."""
    key = ask(api, kind, **parameters)["id"]
    with runs.claimed(InsightRun.objects.get(uuid=key).pk) as claim:
        assert claim is not None
        carry_out(claim, silent)
    return key


def test_the_kinds_tell_their_parameters(api: Api) -> None:
    kinds = {kind["name"]: kind for kind in api.get("/v1/insight/kinds").json()["items"]}

    assert kinds["clusters"]["title"] == "Clusters"
    assert {"k", "space"} <= kinds["clusters"]["parameters"]["properties"].keys()


def test_a_run_is_asked_for_watched_and_read(filled: Shop, api: Api) -> None:
    asked = ask(api, k=4)
    assert (asked["status"], asked["parameters"]["k"], asked["progress"]) == ("waiting", 4, None)

    with runs.claimed(InsightRun.objects.get(uuid=asked["id"]).pk) as claim:
        assert claim is not None
        running = api.get(f"/v1/insight/runs/{asked['id']}").json()
        assert running["status"] == "running"
        carry_out(claim, silent)

    run = api.get(f"/v1/insight/runs/{asked['id']}").json()
    assert (run["status"], run["space"], run["moved_on"], run["error"]) == (
        *("done", "text@1"),
        *(None, None),
    )
    assert run["figures"]["products"] == 12
    assert run["summary"]
    assert [one["id"] for one in api.get("/v1/insight/runs").json()["items"]] == [asked["id"]]


def test_a_body_may_be_left_out(filled: Shop, api: Api) -> None:
    assert api.send("POST", "/v1/insight/clusters", b"").status_code == 202


def test_a_second_run_of_the_kind_is_refused_with_the_first(filled: Shop, api: Api) -> None:
    first = ask(api)

    refused = problem(api.post("/v1/insight/clusters", {}), 409, "already-running")

    assert refused["run"] == first["id"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"k": 1}, "body.k"),
        ({"k": "many"}, "body.k"),
        ({"colour": 1}, "body.colour"),
        ({"space": ["text"]}, "body.space"),
    ],
)
def test_what_is_wrong_with_parameters_is_said_where_it_is(
    filled: Shop, api: Api, body: dict[str, Any], where: str
) -> None:
    told = problem(api.post("/v1/insight/clusters", body), 400, "invalid")

    assert told["errors"][0]["where"] == where


def test_a_body_that_is_no_object_is_refused(filled: Shop, api: Api) -> None:
    problem(api.post("/v1/insight/clusters", [1]), 400, "invalid")
    problem(api.send("POST", "/v1/insight/clusters", b"{"), 400, "not-json")


def test_what_is_there_may_not_allow_it(shop: Shop, api: Api) -> None:
    assert "embed" in problem(api.post("/v1/insight/clusters", {}), 422, "no-vectors")["detail"]
    shop.stock(a="mug")
    shop.embed()
    problem(api.post("/v1/insight/clusters", {}), 422, "too-few-products")
    shop.stock(b="lamp")
    shop.embed()
    told = problem(api.post("/v1/insight/clusters", {"k": 3}), 422, "too-few-products")
    assert told["detail"] == "2 products have vectors in text@1; this needs 3 at least."
    told = problem(api.post("/v1/insight/clusters", {"space": "sound"}), 422, "unknown-space")
    assert "text" in told["detail"]
    assert not InsightRun.objects.exists()


def test_equal_vectors_have_no_clusters_and_the_run_says_so(shop: Shop, api: Api) -> None:
    shop.stock(a="mug", b="mug", c="mug")
    shop.embed()

    run = api.get(f"/v1/insight/runs/{do(api)}").json()

    assert run["status"] == "failed"
    assert run["error"]["code"] == "all-equal"


def test_findings_come_page_by_page_the_highest_score_first(filled: Shop, api: Api) -> None:
    at = f"/v1/insight/runs/{do(api, k=4)}/findings"
    whole = api.get(at).json()
    assert whole["next"] is None
    assert len(whole["items"]) >= 12
    scores = [one["score"] for one in whole["items"]]
    assert scores == sorted(scores, reverse=True)

    read: list[Any] = []
    cursor = None
    while True:
        page = api.get(at, limit=5, **({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) <= 5
        read += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert read == whole["items"]


def test_equal_scores_are_each_on_one_page(filled: Shop, api: Api) -> None:
    run = InsightRun.objects.create(catalog=filled.catalog, kind="clusters", status="done")
    rows = [InsightFinding(run=run, score=0.1 + 0.2, group=str(n)) for n in range(7)]
    InsightFinding.objects.bulk_create(rows)
    at = f"/v1/insight/runs/{run.uuid}/findings"

    first = api.get(at, limit=4).json()
    second = api.get(at, limit=4, cursor=first["next"]).json()

    groups = [one["group"] for one in first["items"] + second["items"]]
    assert groups == [str(n) for n in range(7)]
    assert second["next"] is None


def test_findings_of_a_product_and_of_a_group(filled: Shop, api: Api) -> None:
    at = f"/v1/insight/runs/{do(api, k=4)}/findings"

    (of_product,) = api.get(at, product="p3").json()["items"]
    assert (of_product["product"], of_product["title"]) == ("p3", "soap number 3")
    of_group = api.get(at, group=of_product["group"]).json()["items"]
    assert {one["group"] for one in of_group} == {of_product["group"]}
    assert of_product in of_group
    problem(api.get(at, product="p99"), 404, "unknown-product")
    assert api.get(at, group="none such").json()["items"] == []


def test_a_cursor_that_is_none_is_refused(filled: Shop, api: Api) -> None:
    at = f"/v1/insight/runs/{do(api, k=4)}/findings"
    for cursor in ("nonsense", "ä", "AAAA"):
        problem(api.get(at, cursor=cursor), 400, "invalid-cursor")
    problem(api.get(at, limit=1001), 400, "invalid")
    problem(api.get(at, colour="red"), 400, "unknown-parameter")


def test_a_page_costs_few_statements(filled: Shop, api: Api) -> None:
    at = f"/v1/insight/runs/{do(api, k=4)}/findings"
    with CaptureQueriesContext(connection) as queries:
        assert api.get(at).status_code == 200
    assert len(queries) <= 3


def test_a_run_says_when_the_space_has_moved_on(filled: Shop, api: Api) -> None:
    at = f"/v1/insight/runs/{do(api, k=4)}"
    filled.stock(new="a tent of another kind")
    filled.embed()
    assert api.get(at).json()["moved_on"] == "Vectors of text@1 have been written since."

    Space.objects.filter(catalog=filled.catalog).update(version=2)
    assert api.get(at).json()["moved_on"] == "text@2 serves now."
    Space.objects.filter(catalog=filled.catalog).update(status=Space.Status.RETIRED)
    assert api.get(at).json()["moved_on"] == "The space 'text' serves no more."


def test_a_run_can_be_cancelled_and_one_that_ended_stays(filled: Shop, api: Api) -> None:
    waiting = ask(api)
    cancelled = api.post(f"/v1/insight/runs/{waiting['id']}/cancel", {}).json()
    assert cancelled["status"] == "cancelled"

    done = do(api)
    assert api.send("POST", f"/v1/insight/runs/{done}/cancel", b"").json()["status"] == "done"
    problem(api.post(f"/v1/insight/runs/{done}/cancel", {"why": 1}), 400, "invalid")


def test_runs_can_be_asked_for_by_kind(filled: Shop, api: Api) -> None:
    ask(api)
    InsightRun.objects.create(catalog=filled.catalog, kind="gone")

    assert len(api.get("/v1/insight/runs").json()["items"]) == 2
    assert len(api.get("/v1/insight/runs", kind="clusters").json()["items"]) == 1
    problem(api.get("/v1/insight/runs", kind="colours"), 400, "unknown-kind")
    problem(api.post("/v1/insight/colours", {}), 404, "unknown-kind")


def test_runs_are_their_catalogs_alone(filled: Shop, api: Api, stranger: Api) -> None:
    at = f"/v1/insight/runs/{do(api)}"

    problem(stranger.get(at), 404, "unknown-run")
    problem(stranger.get(f"{at}/findings"), 404, "unknown-run")
    problem(stranger.post(f"{at}/cancel", {}), 404, "unknown-run")
    assert stranger.get("/v1/insight/runs").json() == {"items": []}


def test_no_browser_may_ask(browser: Api) -> None:
    problem(browser.get("/v1/insight/kinds"), 403, "wrong-scope")
    problem(browser.post("/v1/insight/clusters", {}), 403, "wrong-scope")


@pytest.fixture
def proposing(shop: Shop, api: Api) -> str:
    """A run that proposes a category for two mugs."""
    shop.put(
        *({"id": f"m{n}", "title": f"mug {n}", "category": "Mugs"} for n in range(4)),
        *({"id": f"l{n}", "title": f"lamp {n}", "category": "Lamps"} for n in range(4)),
        {"id": "new", "title": "mug new", "category": ""},
        {"id": "old", "title": "mug old", "category": ""},
    )
    return do(api, "classify")


def test_proposed_categories_are_accepted_and_refused(shop: Shop, api: Api, proposing: str) -> None:
    address = f"/v1/insight/runs/{proposing}/decisions"
    body = {"accept": ["new", "m1"], "refuse": ["old"]}

    told = api.post(address, body).json()

    assert [told[name] for name in ("accepted", "refused", "unchanged", "skipped")] == [1, 1, 0, 1]
    assert told["items"][-1] == {
        "product": "m1",
        "status": "skipped",
        "reason": "The run proposes no category for it.",
    }
    assert api.get("/v1/products/new").json()["category"] == "Mugs"
    assert api.get("/v1/products/old").json()["category"] == ""
    assert api.post(address, body).json()["unchanged"] == 2


def test_all_that_are_sure_are_accepted(shop: Shop, api: Api, proposing: str) -> None:
    told = api.post(f"/v1/insight/runs/{proposing}/decisions", {"accept_from": 0}).json()

    assert (told["accepted"], told["left"]) == (2, 0)
    assert api.get("/v1/products/old").json()["category"] == "Mugs"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "invalid-decisions"),
        ({"accept": ["a"], "refuse": ["a"]}, "invalid-decisions"),
        ({"accept_from": 2}, "invalid"),
        ({"accept": "new"}, "invalid"),
    ],
)
def test_decisions_that_say_nothing_or_too_much_are_refused(
    shop: Shop, api: Api, proposing: str, body: dict[str, Any], why: str
) -> None:
    problem(api.post(f"/v1/insight/runs/{proposing}/decisions", body), 400, why)
