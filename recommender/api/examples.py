"""An example of every call, with what it answers and the errors that it may answer with.

They are of the sample store.
"""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_effect import EFFECT
from recommender.api.example_errors import (
    ANY,
    BAD_PRICE,
    EMPTY,
    NEEDS_TOKEN,
    NO_LONGER,
    NO_TOKEN,
    NO_TYPE,
    NO_USER,
    NOT_JSON,
    NOT_MERGEABLE,
    PRODUCT_ID,
    SAME_USER,
    SERVER,
    SYNC,
    SYNC_CONFLICTS,
    TOO_LARGE,
    TWO_IDS,
    UNKNOWN_ANSWER,
    UNMERGE_CONFLICTS,
    USER_ID,
    invalid,
    unknown,
)
from recommender.api.example_experiments import EXPERIMENTS
from recommender.api.example_insight import INSIGHT
from recommender.api.example_lists import LISTS
from recommender.api.example_management import MANAGEMENT
from recommender.api.example_outliers import OUTLIERS
from recommender.api.example_placements import PLACEMENTS
from recommender.api.example_webhooks import WEBHOOKS
from recommender.api.problems import Problem

_AT = "2026-01-22T10:00:00Z"

_PRODUCT: dict[str, Any] = {
    "title": "Night Watch espresso beans, 1 kg",
    "description": "Dark chocolate, roasted hazelnut and enough body to stand up to milk.",
    "category": "Food & Drink/Coffee",
    "brand": "Cordwain Roasters",
    "price": 27.5,
    "currency": "EUR",
    "in_stock": True,
    "image_urls": ["https://shop.example/night-watch.jpg"],
    "video_urls": [],
    "attributes": {"roast": "dark", "weight_g": 1000, "vegan": True},
    "released_at": "2025-09-17T08:00:00Z",
}
_STORED = {"id": PRODUCT_ID, **_PRODUCT, "updated_at": _AT}
_OTHER: dict[str, Any] = {
    "id": "foo-004",
    "title": "Colombia Huila washed, medium roast, 500 g",
    "category": "Food & Drink/Coffee",
    "price": 18.5,
    "currency": "EUR",
}
_USER = {"attributes": {"country": "DE", "newsletter": True}}
_EVENT = {
    "id": "4b1e1f1c-6a5e-4a57-9c0a-1f9f6d6f5b11",
    "type": "purchase",
    "user": USER_ID,
    "product": PRODUCT_ID,
    "at": _AT,
    "quantity": 2,
    "value": 55.0,
}
_VIEW = {"type": "view", "user": USER_ID, "product": "foo-004"}
_EXPORT_CURSOR = "WyJmaW5kaW5ncyIsIjciXQ"
_HELD: dict[str, Any] = {
    "id": USER_ID,
    "user": {**_USER, "created_at": _AT, "last_event_at": _AT, "is_anonymous": False,
             "exclusion": ""},
    "variants": [{"variant": "new-rank/b"}],
    "segments": [{"by": "category", "value": "Food & Drink/Coffee", "score": 0.82}],
    "merges": [{"user": USER_ID, "visitor": "visitor-4f1c2a9e", "at": _AT}],
    "profiles": [{"space": "text@1", "kind": "interest", "position": 0, "weight": 1.0,
                  "product": PRODUCT_ID, "vector": [0.12, -0.03]}],
    "findings": [],
    "events": [{"id": _EVENT["id"], "type": "purchase", "product": PRODUCT_ID, "at": _AT,
                "quantity": 2, "value": 55.0, "rec_id": UNKNOWN_ANSWER, "query": None}],
    "shown": [{"rec_id": UNKNOWN_ANSWER, "at": _AT, "operation": "for_user", "placement": "home",
               "placement_version": 3, "variant": "new-rank/b",
               "items": [[PRODUCT_ID, "text", 0.81, 1.0]], "spaces": ["text@1"], "ranker": 7}],
    "next": None,
}  # fmt: skip
_PRODUCT_PATH = {"product_id": PRODUCT_ID}
_USER_PATH = {"user_id": USER_ID}
_ROWS = {"array": [{"id": PRODUCT_ID, **_PRODUCT}, _OTHER], "one product": _OTHER}
_LINES = (
    {"row": 0, "id": PRODUCT_ID, "status": "changed"},
    {"row": 1, "id": None, "status": "rejected", "reason": "id is missing"},
    {"rows": 2, "added": 0, "changed": 1, "unchanged": 0, "rejected": 1},
)
_GIVEN = {"a product": _PRODUCT}
_WRITTEN = (*SERVER, NOT_JSON, BAD_PRICE, TWO_IDS, *TOO_LARGE)

CALLS: Mapping[tuple[str, str], Call] = {
    **LISTS,
    **OUTLIERS,
    **INSIGHT,
    **PLACEMENTS,
    **EFFECT,
    **EXPERIMENTS,
    **WEBHOOKS,
    **MANAGEMENT,
    ("get", "/v1/products"): Call(
        answers={200: "ProductPageOut"},
        answer={"items": [_STORED], "next": "MjA"},
        parameters={"limit": 20, "cursor": "MjA"},
        errors=(*SERVER, invalid("query.limit", "Input should be less than or equal to 1000"),
                Problem(400, "invalid-cursor", "Use `next` of the page before as it is.")),
    ),
    ("post", "/v1/products/bulk"): Call(
        answers={200: "BulkOut"},
        answer={"added": 1, "changed": 1, "unchanged": 0, "rejected": 1,
                "errors": [{"row": 2, "reason": "price is negative"}]},
        lines=_LINES,
        bodies=_ROWS,
        errors=(*SERVER, EMPTY, NOT_JSON, *TOO_LARGE),
    ),
    ("patch", "/v1/products/bulk"): Call(
        answers={200: "BulkOut"},
        answer={"added": 0, "changed": 2, "unchanged": 0, "rejected": 0, "errors": []},
        lines=_LINES,
        bodies=_ROWS,
        errors=(*SERVER, EMPTY, NOT_JSON, unknown("product", "bulk"), *TOO_LARGE),
    ),
    ("post", "/v1/products/sync"): Call(
        answers={200: "SyncOut"},
        answer={"accepted": 2, "added": 1, "changed": 1, "unchanged": 0, "rejected": 1,
                "errors": [{"row": 2, "reason": "price is negative"}], "seen": 240, "done": True,
                "removed": 12},
        bodies={
            "a page": {"token": SYNC, "products": _ROWS["array"]},
            "the end": {"token": SYNC, "products": [], "done": True},
            "the end, however many go": {"token": SYNC, "done": True, "force": True},
        },
        errors=(*SERVER, invalid("body.token", "is missing"), NOT_JSON,
                Problem(400, "not-a-page", 'Send an object: {"token": …, "products": […]}.'),
                Problem(400, "too-many-rows", "12000 rows in one request; send at most 10000 at a "
                        "time."),
                *SYNC_CONFLICTS, *TOO_LARGE),
    ),
    ("put", "/v1/products/{product_id}"): Call(
        answers={200: "ProductOut", 201: "ProductOut"},
        answer=_STORED,
        bodies=_GIVEN,
        parameters=_PRODUCT_PATH,
        errors=_WRITTEN,
    ),
    ("patch", "/v1/products/{product_id}"): Call(
        answers={200: "ProductOut"},
        answer=_STORED,
        bodies={"sold out": {"in_stock": False}, "a new price": {"price": 27.5}},
        parameters=_PRODUCT_PATH,
        errors=(*_WRITTEN, unknown("product")),
    ),
    ("get", "/v1/products/{product_id}"): Call(
        answers={200: "ProductOut"},
        answer=_STORED,
        parameters=_PRODUCT_PATH,
        errors=(*SERVER, NO_LONGER, unknown("product")),
    ),
    ("delete", "/v1/products/{product_id}"): Call(
        answers={204: None},
        parameters=_PRODUCT_PATH,
        errors=(*SERVER, NO_LONGER, unknown("product")),
    ),
    ("put", "/v1/users/{user_id}"): Call(
        answers={200: "UserOut", 201: "UserOut"},
        answer={"id": USER_ID, **_USER, "last_event_at": None},
        bodies={"attributes": _USER},
        parameters=_USER_PATH,
        errors=(*SERVER, NOT_JSON, invalid("body.attributes", "is not an object"), *TOO_LARGE),
    ),
    ("get", "/v1/users/{user_id}"): Call(
        answers={200: "UserOut"},
        answer={"id": USER_ID, **_USER, "last_event_at": _AT},
        parameters=_USER_PATH,
        errors=(*SERVER, NO_USER, unknown("user")),
    ),
    ("get", "/v1/users/{user_id}/export"): Call(
        answers={200: "ExportOut"},
        answer=_HELD,
        parameters={**_USER_PATH, "limit": 1000, "cursor": _EXPORT_CURSOR},
        errors=(*SERVER, invalid("query.limit", "Input should be less than or equal to 10000"),
                Problem(400, "invalid-cursor", "Use `next` of the page before as it is."),
                unknown("user")),
    ),
    ("delete", "/v1/users/{user_id}"): Call(
        answers={204: None},
        parameters=_USER_PATH,
        errors=(*SERVER, NO_USER, unknown("user")),
    ),
    ("post", "/v1/products/{product_id}/merge"): Call(
        answers={200: "MergeOut"},
        answer={"id": PRODUCT_ID, "events": 12, "missing_ids": []},
        bodies={"a second entry": {"from": "foo-004"}},
        parameters={"product_id": PRODUCT_ID},
        errors=(*SERVER, NOT_JSON, NO_LONGER, NOT_MERGEABLE, *TOO_LARGE),
    ),
    ("delete", "/v1/products/{product_id}/merge"): Call(
        answers={200: "MergeOut"},
        answer={"id": PRODUCT_ID, "events": 12, "missing_ids": []},
        parameters={"product_id": PRODUCT_ID, "from": "foo-004"},
        errors=(*SERVER, NO_LONGER, invalid("query.from", "Field required")),
    ),
    ("post", "/v1/users/{user_id}/merge"): Call(
        answers={200: "MergeOut"},
        answer={"id": USER_ID, "events": 3, "missing_ids": []},
        bodies={"a visitor": {"from": "visitor-4f1c2a9e"}},
        parameters=_USER_PATH,
        errors=(*SERVER, NOT_JSON, invalid("body.from", "Field required"), SAME_USER, *TOO_LARGE),
    ),
    ("delete", "/v1/users/{user_id}/merge"): Call(
        answers={200: "MergeOut"},
        answer={"id": USER_ID, "events": 3, "missing_ids": []},
        parameters={**_USER_PATH, "from": "visitor-4f1c2a9e"},
        errors=(*SERVER, NO_USER, SAME_USER, *UNMERGE_CONFLICTS),
    ),
    ("post", "/v1/events"): Call(
        answers={202: "IngestOut"},
        answer={
            "accepted": 1,
            "duplicate": 0,
            "rejected": 1,
            "not_stored": 0,
            "results": [
                {"id": _EVENT["id"], "status": "accepted", "reason": None},
                {"id": None, "status": "rejected", "reason": "product is missing; only a search "
                 "has none"},
            ],
        },
        lines=(
            {"row": 0, "id": _EVENT["id"], "status": "accepted"},
            {"rows": 1, "accepted": 1, "duplicate": 0, "rejected": 0, "not_stored": 0},
        ),
        bodies={"a purchase": _EVENT, "array": [_EVENT, _VIEW],
                "without consent": {**_VIEW, "consent": False}},
        errors=(*ANY, NO_TOKEN, NEEDS_TOKEN, EMPTY, NOT_JSON, NO_TYPE, unknown("product"),
                *TOO_LARGE),
    ),
}  # fmt: skip
