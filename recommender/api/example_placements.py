"""Examples of the calls that manage placements."""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import (
    MANAGING,
    NOT_JSON,
    PARAMETER,
    PRODUCT_ID,
    TOO_LARGE,
    invalid,
)
from recommender.api.problems import Problem

_AT = "2026-01-22T10:00:00Z"
_NAME = {"name": "home"}
_RULES: list[dict[str, Any]] = [
    {
        "id": "spring",
        "name": "Spring campaign",
        "action": "pin",
        "product": PRODUCT_ID,
        "place": 1,
        "from": "2026-03-01T00:00:00Z",
        "until": "2026-04-01T00:00:00Z",
    },
    {
        "id": "own-brand",
        "action": "boost",
        "filter": {"brand": "Cordwain Roasters"},
        "times": 1.5,
        "audience": {"users": "returning"},
    },
    {"id": "recall", "action": "hide", "products": ["foo-009"]},
    {"id": "two-a-brand", "action": "cap", "by": "brand", "at_most": 2},
]
DRAFT = {
    "operation": "for_user",
    "defaults": {"count": 12, "diversity": 0.2, "exclude": ["purchased"]},
    "fallback": "popular",
    "rules": _RULES,
}
_PLACEMENT = {
    "name": "home",
    "draft": DRAFT,
    "live": DRAFT,
    "live_version": 3,
    "is_changed": False,
    "warnings": [
        {
            "kind": "over",
            "rules": ["spring"],
            "message": "“Spring campaign” is over, and acts no more.",
        }
    ],
    "updated_at": _AT,
}
_VERSION = {
    "version": 3,
    "document": DRAFT,
    "restores": None,
    "published_at": _AT,
    "published_by": "API",
}
_UNKNOWN = Problem(404, "unknown-placement", "There is no placement 'sku-404'; there are: none.")
_NO_VERSION = Problem(
    404,
    "unknown-version",
    "The placement 'home' has no version 7.",
    errors=[{"where": "body.version", "message": "The placement 'home' has no version 7."}],
)

PLACEMENTS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/placements"): Call(
        answers={200: "PlacementsOut"},
        answer={
            "items": [
                {
                    "name": "home",
                    "operation": "for_user",
                    "live_version": 3,
                    "is_changed": False,
                    "updated_at": _AT,
                }
            ]
        },
        errors=(*MANAGING, PARAMETER),
    ),
    ("get", "/v1/placements/{name}"): Call(
        answers={200: "PlacementOut"},
        answer=_PLACEMENT,
        parameters=_NAME,
        errors=(*MANAGING, PARAMETER, _UNKNOWN),
    ),
    ("put", "/v1/placements/{name}"): Call(
        answers={200: "PlacementOut", 201: "PlacementOut"},
        answer=_PLACEMENT,
        bodies={
            "with rules": DRAFT,
            "defaults alone": {"operation": "similar", "defaults": {"count": 6}},
            "of a search": {
                "operation": "search",
                "rules": [
                    {"action": "pin", "product": PRODUCT_ID, "place": 1, "words": ["espresso"]}
                ],
            },
        },
        parameters=_NAME,
        errors=(
            *MANAGING,
            NOT_JSON,
            Problem(
                400,
                "invalid-placement",
                "body.defaults.cuont: Extra inputs are not permitted",
                errors=[
                    {
                        "where": "body.defaults.cuont",
                        "message": "Extra inputs are not permitted",
                    }
                ],
            ),
            Problem(
                409,
                "too-many-placements",
                "A catalog has at most 200 placements; delete one.",
            ),
            *TOO_LARGE,
        ),
    ),
    ("delete", "/v1/placements/{name}"): Call(
        answers={204: None},
        parameters=_NAME,
        errors=(*MANAGING, PARAMETER, _UNKNOWN),
    ),
    ("post", "/v1/placements/{name}/publish"): Call(
        answers={200: "VersionOut"},
        answer=_VERSION,
        bodies={"nothing": {}},
        parameters=_NAME,
        errors=(*MANAGING, NOT_JSON, _UNKNOWN, *TOO_LARGE),
    ),
    ("post", "/v1/placements/{name}/rollback"): Call(
        answers={200: "VersionOut"},
        answer=_VERSION | {"version": 4, "restores": 1},
        bodies={"the first": {"version": 1}},
        parameters=_NAME,
        errors=(*MANAGING, NOT_JSON, invalid("body.version", "Field required"), _NO_VERSION,
                *TOO_LARGE),
    ),
    ("get", "/v1/placements/{name}/versions"): Call(
        answers={200: "VersionsOut"},
        answer={"items": [_VERSION]},
        parameters=_NAME,
        errors=(*MANAGING, PARAMETER, _UNKNOWN),
    ),
}  # fmt: skip
