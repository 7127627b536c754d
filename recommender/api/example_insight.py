"""Examples of the calls that find out about a catalog."""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import (
    INSIGHT_KEY,
    NOT_JSON,
    PARAMETER,
    PRODUCT_ID,
    SERVER,
    TOO_LARGE,
    invalid,
    unknown,
)
from recommender.api.problems import Problem
from recommender.insight.kinds import KINDS

RUN_ID = "7b0f6f0e-3f1c-4c53-9a0f-0d7d2c1d9f10"
_RUN_PATH = {"run_id": RUN_ID}
_AT = "2026-01-22T10:00:00Z"

_RUN: dict[str, Any] = {
    "id": RUN_ID,
    "kind": "clusters",
    "status": "done",
    "parameters": {"space": None, "k": None},
    "progress": None,
    "space": "text@1",
    "moved_on": None,
    "summary": "240 products in 12 clusters, the largest of which is espresso, coffee, roast.",
    "figures": {"products": 240, "clusters": 12},
    "error": None,
    "seconds": 1.2,
    "created_at": _AT,
    "started_at": _AT,
    "finished_at": _AT,
}
_WAITING = _RUN | {
    "status": "waiting",
    "space": None,
    "summary": "",
    "figures": {},
    "seconds": None,
    "started_at": None,
    "finished_at": None,
}
_FINDING = {
    "product": "foo-001",
    "title": "Night Watch espresso beans, 1 kg",
    "user": None,
    "group": "3",
    "score": 0.91,
    "data": {"cluster": "espresso, coffee, roast", "nearness": 0.91},
}
_DECIDED = {
    "accepted": 1,
    "refused": 1,
    "unchanged": 0,
    "skipped": 0,
    "left": 0,
    "items": [
        {"product": PRODUCT_ID, "status": "accepted", "reason": None},
        {"product": "foo-004", "status": "refused", "reason": None},
    ],
}
_KIND = {
    "name": "clusters",
    "title": "Clusters",
    "help": "What the catalog consists of: groups of like products, by their vectors.",
    "parameters": {"properties": {"k": {"type": "integer"}}, "type": "object"},
}
_NO_RUN = Problem(
    404, "unknown-run", f"There is no run {RUN_ID!r}; of each kind the last 5 are kept."
)
_NO_UUID = invalid(
    "path.run_id",
    "Input should be a valid UUID, invalid length: expected length 32 for simple format, found 2",
)
_NO_KIND = Problem(
    404, "unknown-kind", f"There is no kind 'colours'; there are: {', '.join(KINDS)}."
)
_BODY = Problem(400, "invalid", "This takes no body but {}.")

INSIGHT: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/insight/kinds"): Call(
        answers={200: "KindsOut"},
        answer={"items": [_KIND]},
        errors=(*INSIGHT_KEY, PARAMETER),
    ),
    ("get", "/v1/insight/runs"): Call(
        answers={200: "InsightRunsOut"},
        answer={"items": [_RUN]},
        parameters={"kind": "clusters"},
        errors=(*INSIGHT_KEY, PARAMETER, Problem(400, "unknown-kind", _NO_KIND.detail)),
    ),
    ("post", "/v1/insight/{kind}"): Call(
        answers={202: "InsightRunOut"},
        answer=_WAITING,
        bodies={"the defaults": {}},
        parameters={"kind": "clusters"},
        errors=(*INSIGHT_KEY, NOT_JSON,
                invalid("body.k", "Input should be greater than or equal to 2"),
                _NO_KIND,
                Problem(409, "already-running", "clusters of demo is running already, as run "
                        f"{RUN_ID}.", run=RUN_ID),
                Problem(422, "no-vectors", "No product of demo has a vector in text@1 yet; embed "
                        "it first (./kinship embed --catalog demo --wait)."),
                *TOO_LARGE),
    ),
    ("get", "/v1/insight/runs/{run_id}"): Call(
        answers={200: "InsightRunOut"},
        answer=_RUN,
        parameters=_RUN_PATH,
        errors=(*INSIGHT_KEY, _NO_UUID, _NO_RUN),
    ),
    ("get", "/v1/insight/runs/{run_id}/findings"): Call(
        answers={200: "FindingsOut"},
        answer={"items": [_FINDING], "next": "P-0euFHrhR8AAAAAAAAAKg"},
        parameters=_RUN_PATH | {"limit": 20, "cursor": "P-0euFHrhR8AAAAAAAAAKg", "group": "3",
                                "product": "foo-001"},
        errors=(*INSIGHT_KEY, invalid("query.limit", "Input should be less than or equal to 1000"),
                Problem(400, "invalid-cursor", "Use `next` of the page before as it is."),
                _NO_RUN, unknown("product")),
    ),
    ("post", "/v1/insight/runs/{run_id}/decisions"): Call(
        answers={200: "DecisionsOut"},
        answer=_DECIDED,
        bodies={
            "one by one": {"accept": [PRODUCT_ID], "refuse": ["foo-004"]},
            "all that are sure": {"accept_from": 0.9},
        },
        parameters=_RUN_PATH,
        errors=(*SERVER, NOT_JSON, _NO_UUID, _NO_RUN,
                Problem(400, "invalid-decisions", "'foo-001' is in accept and in refuse; name it "
                        "once."),
                *TOO_LARGE),
    ),
    ("post", "/v1/insight/runs/{run_id}/cancel"): Call(
        answers={200: "InsightRunOut"},
        answer=_WAITING | {"status": "cancelled", "finished_at": _AT},
        bodies={"nothing": {}},
        parameters=_RUN_PATH,
        errors=(*INSIGHT_KEY, NOT_JSON, _BODY, _NO_RUN, *TOO_LARGE),
    ),
}  # fmt: skip
