"""Keys over REST: listed, made, rotated, revoked, by a key of scope admin."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from recommender import durations
from recommender.api import codec, optional_body
from recommender.api.auth import ApiRequest, admin_key
from recommender.api.config.document import KeyIn
from recommender.api.fields import Label
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.catalog import keys
from recommender.catalog.keys import AmbiguousKeyError
from recommender.models import ApiKey

router = Router(tags=["keys"], auth=admin_key)

# Of the latest: one that rotates a key each hour has had as many in a month.
MOST_KEYS = 1_000
Prefix = Annotated[str, Field(pattern=r"^kin_[a-z]{3}_[A-Za-z0-9_-]{4}$")]


class NewKeyIn(KeyIn):
    """A key that is to be made."""

    name: Annotated[Label, Field(description="A note on who uses it.")] = ""


class RotateIn(Strict):
    """How a key is replaced."""

    overlap: Annotated[
        str,
        Field(strict=True, pattern=durations.PATTERN, description="How long the old one goes on."),
    ] = "1d"


class KeyOut(Schema):
    """A key, without its secret."""

    id: Annotated[str, Field(description="Its first letters.")]
    name: str
    scope: str
    origins: list[str]
    placements: Annotated[list[str], Field(description="It may ask for alone; empty: any list.")]
    fields: Annotated[list[str], Field(description="Its lists may carry; empty: any.")]
    requests_per_minute: int | None
    address_per_minute: int | None
    requests_per_day: int | None
    state: Literal["active", "expired", "revoked"]
    expires_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="To ten minutes.")]


class MadeKeyOut(KeyOut):
    """A new key."""

    secret: Annotated[str, Field(description="The key itself, told this once.")]


class KeysOut(Schema):
    """The catalog's keys, the latest first."""

    items: list[KeyOut]


@router.get("/keys", response=KeysOut, summary="Keys")
def get_keys(request: ApiRequest) -> HttpResponse:
    """The latest 1,000 keys of the catalog, those that were revoked among them."""
    codec.check_known(request, ())
    found = ApiKey.objects.filter(catalog=request.auth.catalog).order_by("-pk")[:MOST_KEYS]
    return codec.respond({"items": list(map(_document, found))})


@router.post("/keys", response={201: MadeKeyOut}, summary="Make a key")
def post_key(request: ApiRequest, ask: NewKeyIn) -> HttpResponse:
    """Make a key. It is told in this answer, and nobody can tell it again."""
    codec.check_known(request, ())
    try:
        made = keys.new_key(request.auth.catalog, ask.scope, ask.name, **ask.limits())
    except ValidationError as exc:
        errors = [
            {"where": f"body.{name}", "message": text}
            for name, texts in exc.message_dict.items()
            for text in texts
        ]
        detail = "; ".join(f"{one['where']}: {one['message']}" for one in errors)
        raise Problem(400, "invalid-key", detail, errors=errors) from exc
    return codec.respond(_made(*made), 201)


@router.post("/keys/{prefix}/rotate", response={201: MadeKeyOut}, summary="Rotate a key")
def rotate_key(request: ApiRequest, prefix: Prefix, ask: RotateIn) -> HttpResponse:
    """Make a key in the place of another, which ends after the overlap."""
    codec.check_known(request, ())
    try:
        overlap = timedelta(seconds=durations.seconds(ask.overlap))
    except ValueError as exc:
        errors = [{"where": "body.overlap", "message": str(exc)}]
        raise Problem(400, "invalid-key", str(exc), errors=errors) from exc
    return codec.respond(_made(*keys.rotate(_find(request, prefix), overlap)), 201)


@router.post(
    "/keys/{prefix}/revoke",
    response=KeyOut,
    summary="Revoke a key",
    openapi_extra=optional_body.documented(optional_body.EMPTY),
)
def revoke_key(request: ApiRequest, prefix: Prefix) -> HttpResponse:
    """End a key: every process refuses it at once."""
    codec.check_known(request, ())
    optional_body.check_empty(request)
    found = _find(request, prefix)
    keys.revoke(found)
    return codec.respond(_document(found))


def _find(request: ApiRequest, prefix: str) -> ApiKey:
    try:
        return keys.only(request.auth.catalog, prefix)
    except AmbiguousKeyError as exc:
        raise Problem(409, "several-keys", str(exc)) from exc
    except LookupError as exc:
        raise Problem(404, "unknown-key-id", str(exc)) from exc


def _made(key: ApiKey, plain: str) -> dict[str, Any]:
    return {**_document(key), "secret": plain}


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.prefix,
        "name": key.label,
        "scope": key.scope,
        **keys.limits_of(key),
        "state": _state(key),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    is_over = key.expires_at is not None and key.expires_at <= timezone.now()
    return "expired" if is_over else "active"
