"""Examples of the calls that manage keys, and what a catalog is set to."""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import (
    KEY,
    NOT_JSON,
    PARAMETER,
    TOO_LARGE,
    invalid,
    wrong_scope,
)
from recommender.api.problems import Problem

_AT = "2026-01-22T10:00:00Z"
KEY_ID = "kin_bro_Vx3a"
_PATH = {"prefix": KEY_ID}
_ADMIN = (*KEY, wrong_scope("admin"))
_BODY = (NOT_JSON, PARAMETER, *TOO_LARGE)
_ORIGIN = "https://shop.example.org"

_BOUNDS: dict[str, Any] = {
    "origins": [_ORIGIN],
    "placements": ["home"],
    "fields": ["title", "price", "image_urls"],
    "requests_per_minute": None,
    "address_per_minute": 120,
    "requests_per_day": None,
    "expires_at": None,
}
_KEY = {
    "id": KEY_ID,
    "name": "web shop",
    "scope": "browser",
    **_BOUNDS,
    "state": "active",
    "created_at": _AT,
    "revoked_at": None,
    "last_used_at": _AT,
}
_SECRET = {"secret": f"{KEY_ID}…"}
_UNKNOWN = Problem(
    404,
    "unknown-key-id",
    f"There is no key of shop that begins with {KEY_ID!r} and is not revoked; the admin lists them "
    "under API keys.",
)
_SEVERAL = Problem(
    409,
    "several-keys",
    f"There is 2 keys of shop that begins with {KEY_ID!r} and is not revoked; the admin lists them "
    "under API keys.",
)
_NO_ORIGIN = "'shop' is no origin; write one as https://shop.example.org."
_CONFIG: dict[str, Any] = {
    "settings": {"clock": "now", "half_life_days": 30.0, "monthly_budget": 20.0},
    "attributes": {"colour": "string"},
    "event_weights": {"purchase": 8.0},
    "synonyms": [{"words": ["couch", "sofa"]}],
    "placements": {
        "home": {
            "operation": "for_user",
            "defaults": {"count": 12},
            "fallback": "popular",
            "rules": [],
        }
    },
    "keys": {"web shop": {"scope": "browser", "origins": [_ORIGIN], "address_per_minute": 120}},
}
_NO_LIST = "is none of bought_together, complements, for_user, …"

MANAGEMENT: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/keys"): Call(
        answers={200: "KeysOut"}, answer={"items": [_KEY]}, errors=(*_ADMIN, PARAMETER)
    ),
    ("post", "/v1/keys"): Call(
        answers={201: "MadeKeyOut"},
        answer=_KEY | _SECRET,
        bodies={
            "of a page": {"name": "web shop", "scope": "browser", **_BOUNDS},
            "of a server": {"name": "nightly", "scope": "server"},
        },
        errors=(
            *_ADMIN,
            invalid("body.scope", "Field required"),
            Problem(
                400,
                "invalid-key",
                f"body.origins: {_NO_ORIGIN}",
                errors=[{"where": "body.origins", "message": _NO_ORIGIN}],
            ),
            *_BODY,
        ),
    ),
    ("post", "/v1/keys/{prefix}/rotate"): Call(
        answers={201: "MadeKeyOut"},
        answer=_KEY | _SECRET,
        bodies={"with a week for both": {"overlap": "7d"}},
        parameters=_PATH,
        errors=(*_ADMIN, _UNKNOWN, _SEVERAL, *_BODY),
    ),
    ("post", "/v1/keys/{prefix}/revoke"): Call(
        answers={200: "KeyOut"},
        answer=_KEY | {"state": "revoked", "revoked_at": _AT},
        bodies={"nothing": {}},
        parameters=_PATH,
        errors=(*_ADMIN, _UNKNOWN, _SEVERAL, *_BODY),
    ),
    ("get", "/v1/config"): Call(
        answers={200: "CatalogIn"}, answer=_CONFIG, errors=(*_ADMIN, PARAMETER)
    ),
    ("put", "/v1/config"): Call(
        answers={200: "AppliedOut"},
        answer={
            "is_dry_run": False,
            "changes": [
                {
                    "sign": "change",
                    "catalog": "demo",
                    "what": "settings",
                    "words": ["half life days: 60 → 30"],
                },
                {
                    "sign": "add",
                    "catalog": "demo",
                    "what": "key web shop",
                    "words": ["scope: none → browser"],
                },
            ],
            "secrets": [{"catalog": "demo", "key": "web shop", "secret": "kin_bro_Vx3a…"}],
        },
        bodies={"all sections": _CONFIG, "one setting": {"settings": {"half_life_days": 30.0}}},
        parameters={"dry_run": True, "prune": False},
        errors=(
            *_ADMIN,
            invalid("body.settigns", "Extra inputs are not permitted"),
            Problem(
                400,
                "invalid-config",
                f"body.placements.home.operation: {_NO_LIST}",
                errors=[{"where": "body.placements.home.operation", "message": _NO_LIST}],
            ),
            *_BODY,
        ),
    ),
}
