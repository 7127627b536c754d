from typing import Any

import pytest

from tests.recommender.api.client import Api
from tests.shop import Shop
from tests.statements import fewest

FOR_USER = "/v1/users/u1/recommendations"
SIMILAR = "/v1/products/mug-red/similar"


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red")
    return stocked


def stages(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What each stage of a trace says, by its name."""
    assert all(stage["milliseconds"] >= 0 for stage in body["trace"])
    return {stage["stage"]: stage["notes"] for stage in body["trace"]}


def test_a_trace_tells_what_became_of_the_candidates(visited: Shop, api: Api) -> None:
    visited.put({"id": "mug-blue", "title": "Blue mug", "in_stock": False})
    body = api.get(FOR_USER, trace="true", count=30).json()
    told = stages(body)
    assert list(told) == [
        "user", "context", "sources", "fuse", "hydrate", "features", "rank", "rerank", "explain",
        "backfill", "fields",
    ]  # fmt: skip
    assert told["context"] == {"ranker": "fusion", "ranker_id": None}
    assert told["sources"].keys() == {"text", "popular", "together", "ease", "next"}
    assert told["fuse"]["excluded"] == 3
    assert told["fuse"]["proposed"] - told["fuse"]["excluded"] == told["fuse"]["kept"]
    assert told["rerank"]["listed"] + told["backfill"]["added"] == len(body["items"])


def test_a_trace_says_why_candidates_were_dropped(visited: Shop, api: Api) -> None:
    filtered = {"filter": {"colour": "green"}, "exclude": [], "trace": True}
    hydrate = stages(api.post(FOR_USER, filtered).json())["hydrate"]
    dropped = ("deleted", "out_of_stock", "not_passing")
    assert hydrate["candidates"] - hydrate["kept"] == sum(hydrate[why] for why in dropped) > 0
    assert hydrate["not_passing"] >= 2, "what the user had and is of another colour"


@pytest.mark.parametrize(
    ("address", "stage", "found"),
    [(SIMILAR, "nearest", 24), ("/v1/new", "newest", 24), ("/v1/search?q=mug", "combine", 24)],
)
def test_every_list_can_be_traced(
    visited: Shop, browser: Api, address: str, stage: str, found: int
) -> None:
    joined = "&" if "?" in address else "?"
    body = browser.get(f"{address}{joined}trace=1&count=24&filter=%7B%22in_stock%22%3Atrue%7D")
    assert stages(body.json())[stage]["found"] == found


def test_what_nobody_asks_for_costs_no_statement(visited: Shop, api: Api) -> None:
    untraced = api.get(FOR_USER).json()
    traced = api.get(FOR_USER, trace="true").json()
    assert "trace" not in untraced
    assert untraced["items"] == traced["items"]
    plain = fewest(lambda: api.get(FOR_USER))
    asked = fewest(lambda: api.get(FOR_USER, trace="true"))
    assert asked == plain + 1, "which tells why candidates were dropped"
