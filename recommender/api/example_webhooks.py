"""Examples of the calls of webhooks."""

from collections.abc import Mapping
from typing import Any

from recommender.api.documentation import Call
from recommender.api.example_errors import NOT_JSON, PARAMETER, SERVER, TOO_LARGE, UNKNOWN, invalid
from recommender.api.problems import Problem

_NAME = "shop-backend"
_PATH = {"name": _NAME}
_AT = "2026-01-22T10:00:00Z"
_ASKED: dict[str, Any] = {
    "url": "https://shop.example/kinship",
    "kinds": ["product.quarantined", "training.refused", "budget.reached", "feed.failed"],
    "is_active": True,
}
_EXAMPLE_SECRET = "whsec_S2luc2hpcCBrZWVwcyB0aGlzIGFzIGFuIGV4YW1wbGU="  # noqa: S105 - opens nothing
_WEBHOOK = {
    "name": _NAME,
    **_ASKED,
    "state": "active",
    "stop_reason": "",
    "retry_at": None,
    "created_at": _AT,
}
_DELIVERY = {
    "id": "msg_019bf0f4-6a5e-4a57-9c0a-1f9f6d6f5b11",
    "type": "webhook.test",
    "status": "waiting",
    "attempts": 0,
    "created_at": _AT,
    "next_at": _AT,
    "last_at": None,
    "last_status": None,
    "last_answer": "",
}
_DELIVERED = _DELIVERY | {
    "status": "delivered",
    "attempts": 1,
    "next_at": None,
    "last_at": _AT,
    "last_status": 204,
}
_UNKNOWN = Problem(404, "unknown-webhook", f"There is no webhook {UNKNOWN!r}.")
_BODY = (NOT_JSON, PARAMETER, *TOO_LARGE)

WEBHOOKS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/webhooks"): Call(
        answers={200: "WebhooksOut"}, answer={"items": [_WEBHOOK]}, errors=(*SERVER, PARAMETER)
    ),
    ("put", "/v1/webhooks/{name}"): Call(
        answers={200: "WebhookMadeOut", 201: "WebhookMadeOut"},
        answer={**_WEBHOOK, "secret": None},
        bodies={"with a secret of yours": {**_ASKED, "secret": _EXAMPLE_SECRET}},
        parameters=_PATH,
        errors=(
            *SERVER,
            invalid("body.kinds", "List should have at least 1 item after validation, not 0"),
            Problem(400, "invalid-webhook", "url: Give an http or https address without a user."),
            Problem(409, "too-many-webhooks", "A catalog has at most 20 webhooks; delete one."),
            *_BODY,
        ),
    ),
    ("delete", "/v1/webhooks/{name}"): Call(
        answers={204: None}, parameters=_PATH, errors=(*SERVER, PARAMETER, _UNKNOWN)
    ),
    ("post", "/v1/webhooks/{name}/test"): Call(
        answers={202: "DeliveryOut"},
        answer=_DELIVERY,
        bodies={"nothing": {}},
        parameters=_PATH,
        errors=(*SERVER, _UNKNOWN, *_BODY),
    ),
    ("get", "/v1/webhooks/{name}/deliveries"): Call(
        answers={200: "DeliveriesOut"},
        answer={"items": [_DELIVERED]},
        parameters={**_PATH, "limit": 20, "status": "delivered"},
        errors=(
            *SERVER,
            invalid("query.limit", "Input should be less than or equal to 1000"),
            PARAMETER,
            _UNKNOWN,
        ),
    ),
}
