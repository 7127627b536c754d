"""Webhooks over REST: made, changed, tested; and what became of what they were told."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError as InvalidRow
from django.db import transaction
from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec, optional_body
from recommender.api.auth import ApiRequest, server_key
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.models import Webhook, WebhookDelivery
from recommender.webhooks import deliveries, outbox, registry
from recommender.webhooks.registry import TooManyWebhooksError

router = Router(tags=["webhooks"], auth=server_key)

Kind = Literal[
    "product.stale",
    "product.quarantined",
    "training.done",
    "training.refused",
    "training.failed",
    "budget.reached",
    "feed.failed",
    "experiment.ended",
]


class WebhookIn(Strict):
    """Who is told of what."""

    url: Annotated[
        str,
        Field(strict=True, max_length=2_000, description="An http or https address of theirs."),
    ]
    kinds: Annotated[list[Kind], Field(min_length=1, max_length=20)]
    secret: Annotated[
        str | None,
        Field(
            strict=True,
            max_length=100,
            description="To sign with: whsec_ and 24 to 64 bytes in base64. Left out, it is as it "
            "was; a new webhook gets one made.",
        ),
    ] = None
    is_active: Annotated[bool, Field(strict=True)] = True


class WebhookOut(Schema):
    """A webhook as it is."""

    name: str
    url: str
    kinds: list[str]
    is_active: bool
    state: Annotated[str, Field(description="active, failing, stopped or inactive.")]
    stop_reason: str
    retry_at: datetime | None
    created_at: datetime


class WebhookMadeOut(WebhookOut):
    """A webhook, with its secret where this made it: nothing tells it again."""

    secret: str | None


class WebhooksOut(Schema):
    """The webhooks of a catalog, by name."""

    items: list[WebhookOut]


class DeliveryOut(Schema):
    """One thing that a webhook is told, and what became of it."""

    id: Annotated[str, Field(description="The header webhook-id of each attempt.")]
    type: str
    status: Annotated[str, Field(description="waiting, delivered or failed.")]
    attempts: int
    created_at: datetime
    next_at: datetime | None
    last_at: datetime | None
    last_status: Annotated[int | None, Field(description="What the receiver answered last.")]
    last_answer: Annotated[
        str, Field(description="The beginning of its answer, or why there was none.")
    ]


class DeliveriesOut(Schema):
    """What a webhook was told, the latest first."""

    items: list[DeliveryOut]


class DeliveriesParameters(Strict):
    """Which deliveries are asked for."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    status: Literal["waiting", "delivered", "failed"] | None = None


@router.get("/webhooks", response=WebhooksOut, summary="Webhooks")
def get_webhooks(request: ApiRequest) -> HttpResponse:
    """All of them."""
    codec.check_known(request, ())
    rows = Webhook.objects.filter(catalog=request.auth.catalog).order_by("name")
    return codec.respond({"items": [_document(row) for row in rows]})


@router.put(
    "/webhooks/{name}",
    response={200: WebhookMadeOut, 201: WebhookMadeOut},
    summary="Make or change a webhook",
)
def put_webhook(request: ApiRequest, name: str, ask: WebhookIn) -> HttpResponse:
    """Make one, or replace what one is; one that was stopped is tried again."""
    codec.check_known(request, ())
    fields = ask.model_dump(exclude_none=True)
    fields["kinds"] = list(dict.fromkeys(ask.kinds))
    try:
        row, is_new = registry.put(request.auth.catalog, name, fields)
    except TooManyWebhooksError as exc:
        detail = f"A catalog has at most {registry.MOST} webhooks; delete one."
        raise Problem(409, "too-many-webhooks", detail) from exc
    except InvalidRow as exc:
        faults = [f"{field}: {' '.join(told)}" for field, told in exc.message_dict.items()]
        raise Problem(400, "invalid-webhook", " ".join(faults)) from exc
    made = row.secret if is_new and ask.secret is None else None
    return codec.respond({**_document(row), "secret": made}, 201 if is_new else 200)


@router.delete("/webhooks/{name}", response={204: None}, summary="Delete a webhook")
def delete_webhook(request: ApiRequest, name: str) -> HttpResponse:
    """Delete it, with what it was told."""
    codec.check_known(request, ())
    _find(request, name).delete()
    return HttpResponse(status=204)


@router.post(
    "/webhooks/{name}/test",
    response={202: DeliveryOut},
    summary="Send a test",
    openapi_extra=optional_body.documented(optional_body.EMPTY),
)
def test_webhook(request: ApiRequest, name: str) -> HttpResponse:
    """Have it told `webhook.test`; its deliveries tell what came of it."""
    codec.check_known(request, ())
    optional_body.check_empty(request)
    with transaction.atomic():
        delivery = outbox.tell_test(_find(request, name))
    return codec.respond(_told(delivery), 202)


@router.get(
    "/webhooks/{name}/deliveries", response=DeliveriesOut, summary="What a webhook was told"
)
def get_deliveries(
    request: ApiRequest, name: str, ask: Parameters[DeliveriesParameters]
) -> HttpResponse:
    """The latest deliveries of the last 30 days, and what became of each."""
    codec.check_known(request, DeliveriesParameters.model_fields)
    rows = WebhookDelivery.objects.filter(webhook=_find(request, name)).order_by("-pk")
    if ask.status is not None:
        rows = rows.filter(status=ask.status)
    return codec.respond({"items": [_told(row) for row in rows[: ask.limit]]})


def _find(request: ApiRequest, name: str) -> Webhook:
    rows = Webhook.objects.filter(catalog=request.auth.catalog).select_related("catalog")
    # PostgreSQL keeps no NUL in a text.
    row = None if "\x00" in name else rows.filter(name=name).first()
    if row is None:
        raise Problem(404, "unknown-webhook", f"There is no webhook {name!r}.")
    return row


def _document(row: Webhook) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in WebhookOut.model_fields if name != "state"}
    return {**told, "state": deliveries.state(row)}


def _told(row: WebhookDelivery) -> dict[str, Any]:
    names = DeliveryOut.model_fields.keys() - {"id", "type"}
    told = {name: getattr(row, name) for name in names}
    return {"id": row.message_id, "type": row.kind, **told}
