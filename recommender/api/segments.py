"""From users to segments, and from products to users."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec, problems, user_tokens
from recommender.api.answers import Traced
from recommender.api.auth import (
    SERVER,
    ApiRequest,
    Caller,
    any_key,
    check_placement,
    check_scope,
    server_key,
)
from recommender.api.fields import PathId
from recommender.api.list_requests import ListRequest
from recommender.api.listing import Page, Summary
from recommender.api.problems import Problem
from recommender.api.queries import from_query, query_of, with_attributes
from recommender.api.related_requests import (
    AudienceParameters,
    AudienceRequest,
    SegmentsParameters,
    SegmentsRequest,
)
from recommender.engine import audience, segments, trace
from recommender.engine.answer import (
    Answer,
    Continuation,
    Query,
    UnknownFieldError,
    UnknownProductError,
)
from recommender.engine.audience import Audience
from recommender.engine.segments import SegmentAnswer
from recommender.time_budget import TIMEOUT, TimeUpError

router = Router(tags=["recommendations"], auth=any_key)

# The types of attribute that have values to be counted by.
_COUNTABLE = ("string", "strings", "boolean")


class SegmentOut(Schema):
    """A value with its share of the user's list."""

    value: str
    rank: int
    score: float
    products: Annotated[list[str], Field(description="Of the list, the best first.")]
    because: Annotated[
        list[str], Field(description="The user's own products that led to most of it.")
    ]


class SegmentsOut(Schema):
    """The segments that a user would like, the one liked most first."""

    by: str
    spaces: list[str]
    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    items: list[SegmentOut]
    trace: Traced = None


class MemberOut(Schema):
    """A user, and how near their taste is to the product."""

    id: str
    rank: int
    score: float


class AudienceOut(Schema):
    """The users whose taste is nearest to a product, the nearest first."""

    space: Annotated[str | None, Field(description="What says so; null where nothing does.")]
    degraded: dict[str, str]
    items: list[MemberOut]
    trace: Traced = None


@router.get(
    "/users/{id:user_id}/segments",
    response=SegmentsOut,
    summary="Brands, categories or values that a user would like",
    openapi_extra=user_tokens.DOCUMENTED,
)
def get_segments(
    request: ApiRequest, user_id: PathId, ask: Parameters[SegmentsParameters]
) -> HttpResponse:
    """Which brands, categories or values of an attribute the user's list is made of."""
    return SEGMENTS.respond(request, from_query(request, ask, SegmentsRequest), user_id)


@router.post(
    "/users/{id:user_id}/segments",
    response=SegmentsOut,
    summary="Brands, categories or values that a user would like (body)",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_segments(request: ApiRequest, user_id: PathId, ask: SegmentsRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return SEGMENTS.respond(request, ask, user_id)


@router.get(
    "/products/{id:product_id}/audience",
    response=AudienceOut,
    summary="Users whom a product would suit",
    auth=server_key,
)
def get_audience(
    request: ApiRequest, product_id: PathId, ask: Parameters[AudienceParameters]
) -> HttpResponse:
    """The users whose taste is nearest to the product, without those who had it."""
    return AUDIENCE.respond(request, from_query(request, ask, AudienceRequest), product_id)


def _audience(request: ApiRequest, product_id: str, ask: AudienceRequest, _: Continuation) -> Page:
    check_scope(request.auth, [SERVER])
    query = Query(count=ask.count, exclude=frozenset(ask.exclude))
    degraded: dict[str, str] = {}
    found = Audience([], None)
    try:
        with trace.stage("audience"):
            found = audience.audience(request.auth.catalog, product_id, query)
    except UnknownProductError as exc:
        raise problems.unknown_product(product_id) from exc
    except TimeUpError:
        degraded["audience"] = TIMEOUT
    items = [
        {"id": one.id, "rank": rank, "score": one.score}
        for rank, one in enumerate(found.members, start=1)
    ]
    return Page({"space": found.space, "degraded": degraded, "items": items})


def _segments(request: ApiRequest, user_id: str, ask: SegmentsRequest, _: Continuation) -> Page:
    check_placement(request.auth, None)
    may_know = user_tokens.may_know(request, user_id)
    _check_countable(ask.by, request.auth)
    query = query_of(request.auth, ListRequest(count=ask.count, filter=ask.filter))
    query = replace(query, anonymous_only=not may_know)
    try:
        found = segments.segments(request.auth.catalog, user_id, ask.by, query)
    except TimeUpError:
        late = Answer(items=(), degraded={"segments": TIMEOUT})
        found = SegmentAnswer(segments=(), answer=late)
    return Page(
        {
            "by": ask.by,
            "spaces": found.answer.spaces,
            "missing_ids": found.answer.missing_ids,
            "fallback": found.answer.fallback,
            "degraded": found.answer.degraded,
            "items": [
                _segment(one, rank, may_know) for rank, one in enumerate(found.segments, start=1)
            ],
        }
    )


def _segment(one: segments.Segment, rank: int, may_know: bool) -> dict[str, Any]:
    return {
        "value": one.value,
        "rank": rank,
        "score": one.score,
        "products": one.products,
        "because": one.because if may_know else (),
    }


def _check_countable(by: str, caller: Caller) -> None:
    """See that a field has values to be counted by.

    Raises:
        Problem: 400 where it has none, or is none, as the caller knows.
    """
    message = f"{by!r} is neither brand, category nor an attribute of texts or of true and false."

    def check(attributes: Mapping[str, str]) -> None:
        if attributes.get(by.removeprefix("attributes.")) not in _COUNTABLE:
            raise UnknownFieldError(message)

    if by in ("brand", "category"):
        return
    try:
        with_attributes(caller, check)
    except UnknownFieldError as exc:
        errors = [{"where": "by", "message": message}]
        raise Problem(400, "unknown-field", message, errors=errors) from exc


SEGMENTS = Summary(name="segments", schema=SegmentsRequest, make=_segments, subject="user")
AUDIENCE = Summary(name="audience", schema=AudienceRequest, make=_audience, subject="product")
