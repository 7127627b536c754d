"""An example of every call, with what it answers and the errors that it may answer with.

They are of the sample store.
"""

from collections.abc import Mapping
from typing import Any

from recommender.api import codec, problems, user_tokens
from recommender.api.documentation import Call
from recommender.api.problems import Problem

_UNKNOWN = "sku-404"
_PRODUCT_ID, _USER_ID = "foo-001", "sim-coffee-lover-01"
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
_STORED = {"id": _PRODUCT_ID, **_PRODUCT, "updated_at": _AT}
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
    "user": _USER_ID,
    "product": _PRODUCT_ID,
    "at": _AT,
    "quantity": 2,
    "value": 55.0,
}
_VIEW = {"type": "view", "user": _USER_ID, "product": "foo-004"}
_REQUEST = {
    "count": 3,
    "fields": ["title", "price"],
    "filter": {"all": [{"price": {"lte": 30}}, {"category": {"under": "Food & Drink"}}]},
    "explain": True,
}


def _listed(code: str, text: str, because: str) -> dict[str, Any]:
    """An answer of one product."""
    contributions = {"text": 0.72}
    return {
        "rec_id": "fb85ad50-f867-4c65-9923-c62349ecda35",
        "spaces": ["text@1"],
        "complete": True,
        "reason": None,
        "missing_ids": [],
        "fallback": None,
        "items": [
            {
                "id": _OTHER["id"],
                "rank": 1,
                "score": 0.72,
                "fields": {"title": _OTHER["title"], "price": _OTHER["price"]},
                "why": {
                    "code": code,
                    "source": "text",
                    "because": [because],
                    "interest": None,
                    "contributions": contributions,
                    "channel": "text",
                    "parts": contributions,
                    "text": text,
                },
            }
        ],
    }


def _invalid(where: str, message: str) -> Problem:
    errors = [{"where": where, "message": message}]
    return Problem(400, "invalid", f"{where}: {message}", errors=errors)


def _unknown(noun: str, name: str = _UNKNOWN) -> Problem:
    return Problem(404, f"unknown-{noun}", f"There is no {noun} {name!r}.", missing_ids=[name])


def _wrong_scope(needed: str) -> Problem:
    detail = f"This needs a key of scope {needed}; yours is of scope embed."
    return Problem(403, "wrong-scope", detail)


_NO_KEY = Problem(401, "no-key", "Send your API key as 'Authorization: Bearer KEY'.")
_UNKNOWN_KEY = Problem(401, "unknown-key", "The API key is unknown or revoked.")
_DATABASE = (problems.DATABASE_AWAY, problems.took_too_long(10))
_SERVER = (_NO_KEY, _UNKNOWN_KEY, _wrong_scope("server"), *_DATABASE)
_ANY = (_NO_KEY, _UNKNOWN_KEY, _wrong_scope("browser or server"), *_DATABASE)
_NO_TOKEN = Problem(
    401,
    "invalid-user-token",
    "The user token is not valid: it has expired; fetch another from your server.",
)
_OTHER_USER = Problem(
    403, "other-user", f"The user token is not of user {_USER_ID!r}. {user_tokens.NEEDED}"
)
_NEEDS_TOKEN = Problem(
    403, "needs-user-token", f"user is known to the shop's server. {user_tokens.NEEDED}"
)
_PARAMETER = Problem(400, "unknown-parameter", "Unknown parameter 'colour'; known: none.")
_TOO_LARGE = (
    problems.slow_body(30),
    Problem(
        413, "too-large", "The body is too large; send it in parts, or raise KINSHIP_MAX_BODY_MB."
    ),
    codec.too_many_values(22_369_619),
)
_NOT_JSON = Problem(
    400,
    "not-json",
    "The body is not JSON: unexpected end of data: line 1 column 2 (char 1).",
)
_EMPTY = Problem(400, "empty-body", "Send a JSON array, or one JSON object a line.")
_FILTER_SAYS = "Unknown field 'colr'. Did you mean colour? Known fields: id, title, brand, …."
_FILTER = Problem(
    400,
    "invalid-filter",
    _FILTER_SAYS,
    errors=[{"where": "filter.colr", "message": _FILTER_SAYS}],
)
_TOO_MANY = _invalid("body.count", "Input should be less than or equal to 1000")
_BAD_PRICE = _invalid("body.price", "is negative")
_NO_LONGER = _invalid("path.product_id", "String should have at most 255 characters")
_NO_USER = _invalid("path.user_id", "String should have at most 255 characters")
_NO_TYPE = Problem(400, "invalid", "type Field required; user Field required")
_TWO_IDS = Problem(400, "two-ids", "The body says 'foo-002', the address 'foo-001'.")

_PRODUCT_PATH = {"product_id": _PRODUCT_ID}
_USER_PATH = {"user_id": _USER_ID}
_LIST = {
    "count": 3,
    "filter": '{"price": {"lte": 30}}',
    "fields": "title,price",
    "exclude": "seen",
    "as_of": _AT,
    "explain": True,
}
_BODIES = {"filtered and explained": _REQUEST, "all defaults": {}}
_ASKED = (*_ANY, _FILTER)
_OF_USER = (*_ASKED, _NO_TOKEN, _OTHER_USER)
_LIKE = _listed("similar_to", "Similar to Night Watch espresso beans, 1 kg", _PRODUCT_ID)
_FOR_USER = _listed(
    "because_bought", "Because you bought Night Watch espresso beans, 1 kg", _PRODUCT_ID
)
_ROWS = {"array": [{"id": _PRODUCT_ID, **_PRODUCT}, _OTHER], "one product": _OTHER}
_GIVEN = {"a product": _PRODUCT}
_SYNC = "2026-01-22 nightly"
_SYNC_CONFLICTS = (
    Problem(
        409,
        "too-many-removed",
        "90 of the 240 products on sale are not in any page, which is more than 20%. Nothing was "
        "taken off sale. Send the pages that are missing, and `done` again; if these products are "
        "to go, with `force`.",
        accepted=0, rejected=0, removed=0, would_remove=90, on_sale=240,
    ),
    Problem(
        409,
        "nothing-sent",
        f"No page of the sync {_SYNC!r} had a product that could be taken, so nothing was taken "
        "off sale. Send the products, and then `done`.",
        accepted=0, rejected=0, removed=0,
    ),
    Problem(
        409,
        "token-used",
        f"The sync {_SYNC!r} was done at 2026-01-22 02:10 UTC, and this is not a page of it. "
        "Give the next sync another token, such as the time it begins.",
    ),
)  # fmt: skip
_WRITTEN = (*_SERVER, _NOT_JSON, _BAD_PRICE, _TWO_IDS, *_TOO_LARGE)

CALLS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=_LIKE,
        parameters=_PRODUCT_PATH | _LIST,
        errors=(*_ASKED, _invalid("query.count", "Input should be a valid integer"),
                _unknown("product")),
    ),
    ("post", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=_LIKE,
        bodies=_BODIES,
        parameters=_PRODUCT_PATH,
        errors=(*_ASKED, _NOT_JSON, _TOO_MANY, _unknown("product"), *_TOO_LARGE),
    ),
    ("get", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=_FOR_USER,
        parameters=_USER_PATH | _LIST,
        errors=(*_OF_USER, _invalid("query.count", "Input should be a valid integer")),
    ),
    ("post", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=_FOR_USER,
        bodies=_BODIES,
        parameters=_USER_PATH,
        errors=(*_OF_USER, _NOT_JSON, _TOO_MANY, *_TOO_LARGE),
    ),
    ("get", "/v1/products"): Call(
        answers={200: "ProductPageOut"},
        answer={"items": [_STORED], "next": "MjA"},
        parameters={"limit": 20, "cursor": "MjA"},
        errors=(*_SERVER, _invalid("query.limit", "Input should be less than or equal to 1000"),
                Problem(400, "invalid-cursor", "Use `next` of the page before as it is.")),
    ),
    ("post", "/v1/products/bulk"): Call(
        answers={200: "BulkOut"},
        answer={"added": 1, "changed": 1, "unchanged": 0, "rejected": 1,
                "errors": [{"row": 2, "reason": "price is negative"}]},
        bodies=_ROWS,
        errors=(*_SERVER, _EMPTY, _NOT_JSON, *_TOO_LARGE),
    ),
    ("patch", "/v1/products/bulk"): Call(
        answers={200: "BulkOut"},
        answer={"added": 0, "changed": 2, "unchanged": 0, "rejected": 0, "errors": []},
        bodies=_ROWS,
        errors=(*_SERVER, _EMPTY, _NOT_JSON, _unknown("product", "bulk"), *_TOO_LARGE),
    ),
    ("post", "/v1/products/sync"): Call(
        answers={200: "SyncOut"},
        answer={"accepted": 2, "added": 1, "changed": 1, "unchanged": 0, "rejected": 1,
                "errors": [{"row": 2, "reason": "price is negative"}], "seen": 240, "done": True,
                "removed": 12},
        bodies={
            "a page": {"token": _SYNC, "products": _ROWS["array"]},
            "the end": {"token": _SYNC, "products": [], "done": True},
            "the end, however many go": {"token": _SYNC, "done": True, "force": True},
        },
        errors=(*_SERVER, _invalid("body.token", "is missing"), _NOT_JSON,
                Problem(400, "not-a-page", 'Send an object: {"token": …, "products": […]}.'),
                Problem(400, "too-many-rows", "12000 rows in one request; send at most 10000 at a "
                        "time."),
                *_SYNC_CONFLICTS, *_TOO_LARGE),
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
        errors=(*_WRITTEN, _unknown("product")),
    ),
    ("get", "/v1/products/{product_id}"): Call(
        answers={200: "ProductOut"},
        answer=_STORED,
        parameters=_PRODUCT_PATH,
        errors=(*_SERVER, _NO_LONGER, _unknown("product")),
    ),
    ("delete", "/v1/products/{product_id}"): Call(
        answers={204: None},
        parameters=_PRODUCT_PATH,
        errors=(*_SERVER, _NO_LONGER, _unknown("product")),
    ),
    ("put", "/v1/users/{user_id}"): Call(
        answers={200: "UserOut", 201: "UserOut"},
        answer={"id": _USER_ID, **_USER, "last_event_at": None},
        bodies={"attributes": _USER},
        parameters=_USER_PATH,
        errors=(*_SERVER, _NOT_JSON, _invalid("body.attributes", "is not an object"), *_TOO_LARGE),
    ),
    ("get", "/v1/users/{user_id}"): Call(
        answers={200: "UserOut"},
        answer={"id": _USER_ID, **_USER, "last_event_at": _AT},
        parameters=_USER_PATH,
        errors=(*_SERVER, _NO_USER, _unknown("user")),
    ),
    ("delete", "/v1/users/{user_id}"): Call(
        answers={204: None},
        parameters=_USER_PATH,
        errors=(*_SERVER, _NO_USER, _unknown("user")),
    ),
    ("post", "/v1/events"): Call(
        answers={202: "IngestOut"},
        answer={
            "accepted": 1,
            "duplicate": 0,
            "rejected": 1,
            "results": [
                {"id": _EVENT["id"], "status": "accepted", "reason": None},
                {"id": None, "status": "rejected", "reason": "product is missing; only a search "
                 "has none"},
            ],
        },
        bodies={"a purchase": _EVENT, "array": [_EVENT, _VIEW]},
        errors=(*_ANY, _NO_TOKEN, _NEEDS_TOKEN, _EMPTY, _NOT_JSON, _NO_TYPE, _unknown("product"),
                *_TOO_LARGE),
    ),
}  # fmt: skip
