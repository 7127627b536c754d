"""What is held about a user, over REST."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

import orjson
from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field, WithJsonSchema

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.fields import PathId
from recommender.api.problems import Problem, unknown_user
from recommender.rights import export
from recommender.rights.export import Cursor, CursorError, UnknownUserError

router = Router(tags=["users"], auth=server_key)

Limit = Annotated[int, Parameters(ge=1, le=export.MOST_ROWS)]
CursorText = Annotated[str | None, WithJsonSchema({"type": "string"})]


class HeldUserOut(Schema):
    """What the shop says of the user, and what follows from how they came."""

    attributes: dict[str, Any]
    created_at: datetime
    last_event_at: datetime | None
    is_anonymous: Annotated[
        bool, Field(description="Whether only browsers without a user token told of them.")
    ]
    exclusion: Annotated[str, Field(description="Why they count for nothing; empty: they count.")]


class HeldVariantOut(Schema):
    """A variant of a running experiment that the user sees, as experiment/variant."""

    variant: str


class HeldSegmentOut(Schema):
    """A brand or a category that the user likes by what they did, and its share of their list."""

    by: str
    value: str
    score: float


class HeldMergeOut(Schema):
    """A visitor who became a user: who is asked about is one of the two."""

    user: str
    visitor: str
    at: datetime


class HeldProfileOut(Schema):
    """A vector of the user's taste."""

    space: str
    kind: str
    position: int
    weight: float
    product: Annotated[str | None, Field(description="The one that stands for it.")]
    vector: list[float] | None


class HeldFindingOut(Schema):
    """What an insight says of the user."""

    insight: str
    at: datetime
    group: str
    score: float
    data: dict[str, Any]


class HeldEventOut(Schema):
    """What the user did."""

    id: str
    type: str
    product: str | None
    at: datetime
    quantity: float | None
    value: float | None
    rec_id: Annotated[str | None, Field(description="The list that led there.")]
    query: str | None


class HeldListOut(Schema):
    """A list that was made for the user; of each item its id, source, score and propensity."""

    rec_id: str
    at: datetime
    operation: str
    placement: str | None
    placement_version: int | None
    variant: str | None
    items: list[list[Any]]
    spaces: list[str]
    ranker: int | None


class ExportOut(Schema):
    """A page of all that is held about a user; lists go on in the next page."""

    id: str
    user: Annotated[
        HeldUserOut | None, Field(description="Null of an id that lists alone were made for.")
    ]
    variants: list[HeldVariantOut]
    segments: Annotated[list[HeldSegmentOut], Field(description="On the first page.")]
    merges: list[HeldMergeOut]
    profiles: list[HeldProfileOut]
    findings: list[HeldFindingOut]
    events: list[HeldEventOut]
    shown: list[HeldListOut]
    next: str | None


@router.get("/users/{id:user_id}/export", response=ExportOut, summary="What is held about a user")
def get_export(
    request: ApiRequest,
    user_id: PathId,
    limit: Limit = export.USUAL_ROWS,
    cursor: CursorText = None,
) -> HttpResponse:
    """All that is held about a user; pass `next` as `cursor` until it is null.

    `limit` is of all rows together; a page ends after 8 MB.
    """
    codec.check_known(request, ("limit", "cursor"))
    after = _decoded(cursor) if cursor else export.FIRST
    try:
        page = export.page(request.auth.catalog, user_id, after, limit)
    except UnknownUserError as exc:
        raise unknown_user(user_id) from exc
    return codec.respond(
        {
            "id": user_id,
            "user": page.user,
            "variants": page.variants,
            "segments": page.segments,
            **page.parts,
            "next": None if page.following is None else _encoded(page.following),
        }
    )


def _encoded(cursor: Cursor) -> str:
    text = orjson.dumps([cursor.part, *cursor.after])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _decoded(cursor: str) -> Cursor:
    """The place that a cursor tells.

    Raises:
        Problem: 400 where it tells none.
    """
    try:
        told = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        part, *after = map(_text, told)
        return Cursor(part, tuple(after))
    except (binascii.Error, TypeError, ValueError, CursorError) as exc:
        raise Problem(400, "invalid-cursor", "Use `next` of the page before as it is.") from exc


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise TypeError
    return value
