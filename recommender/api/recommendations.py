"""Similar products and recommendations."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field, ValidationError, WithJsonSchema

from recommender.api import codec, problems, reasons
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import Flag, PathId, TimeParameter
from recommender.api.problems import Problem
from recommender.api.schemas import RecommendationRequest
from recommender.engine import recommend
from recommender.engine.answer import (
    MAX_COUNT,
    Answer,
    Item,
    Query,
    UnknownFieldError,
    UnknownProductError,
    check_fields,
)
from recommender.models import Catalog
from recommender.retrieval import filters
from recommender.retrieval.filters import FilterError

router = Router(tags=["recommendations"], auth=any_key)


def _text(description: str, **words: str) -> WithJsonSchema:
    """A parameter that is text; one that is left out is no null."""
    return WithJsonSchema({"type": "string", "description": description} | words)


class RequestParameters(Schema):
    """The members of a request as query parameters."""

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    filter: Annotated[str | None, _text("A filter, as JSON.")] = None
    fields: Annotated[str | None, _text("Names, separated by commas.")] = None
    exclude: Annotated[
        str | None,
        _text(
            "`seen` (the default), `purchased`, or `none`; several separated by commas.",
            pattern="^((seen|purchased|none)?(,(seen|purchased|none)?)*)$",
        ),
    ] = None
    as_of: TimeParameter = None
    explain: Flag = False


class WhyOut(Schema):
    """Why an item is there; contributions add up to its score, and one below 0 is against it."""

    code: Annotated[
        str,
        Field(
            description="The one reason, for those who write their own sentences; a code never "
            "changes its meaning. `because_…` and `similar_to` speak of the first of `because`, "
            f"`…_before` of the product itself: {', '.join(reasons.CODES)}."
        ),
    ]
    source: Annotated[str, Field(description="What contributes most.")]
    because: Annotated[
        list[str], Field(description="The user's own products that led here, the first most.")
    ]
    interest: Annotated[
        str | None,
        Field(description="The own product that stands for the interest nearest to it."),
    ]
    contributions: dict[str, float]
    channel: Annotated[str, Field(deprecated=True, description="The old name of `source`.")]
    parts: Annotated[
        dict[str, float], Field(deprecated=True, description="The old name of `contributions`.")
    ]
    text: Annotated[
        str | None,
        Field(
            description="The same reason in a sentence, where `explain` is true: in the first "
            "language of `Accept-Language` that there is, else in English."
        ),
    ] = None


class ItemOut(Schema):
    """One product."""

    id: str
    rank: int
    score: float
    fields: dict[str, Any]
    why: WhyOut


class AnswerOut(Schema):
    """A list of products, and whether and why it is not all that was asked for."""

    rec_id: str
    spaces: list[str]
    complete: bool
    reason: str | None
    missing_ids: list[str]
    fallback: str | None
    items: list[ItemOut]


@router.get("/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products")
def get_similar(
    request: ApiRequest, product_id: PathId, ask: Parameters[RequestParameters]
) -> HttpResponse:
    """The available products most like this one."""
    return _similar(request, product_id, _from_parameters(request, ask))


@router.post(
    "/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products (body)"
)
def post_similar(
    request: ApiRequest, product_id: PathId, ask: RecommendationRequest
) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return _similar(request, product_id, ask)


@router.get("/users/{id:user_id}/recommendations", response=AnswerOut, summary="Recommendations")
def get_recommendations(
    request: ApiRequest, user_id: PathId, ask: Parameters[RequestParameters]
) -> HttpResponse:
    """The products for this user; for one nobody knows, what is popular."""
    return _recommend(request, user_id, _from_parameters(request, ask))


@router.post(
    "/users/{id:user_id}/recommendations", response=AnswerOut, summary="Recommendations (body)"
)
def post_recommendations(
    request: ApiRequest, user_id: PathId, ask: RecommendationRequest
) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return _recommend(request, user_id, ask)


def _similar(request: ApiRequest, product_id: str, ask: RecommendationRequest) -> HttpResponse:
    catalog = request.auth.catalog
    try:
        answer = recommend.similar(catalog, product_id, _query(catalog, ask))
    except UnknownProductError as exc:
        detail = f"There is no product {product_id!r}."
        raise Problem(404, "unknown-product", detail, missing_ids=[product_id]) from exc
    return _respond(request, answer, ask)


def _recommend(request: ApiRequest, user_id: str, ask: RecommendationRequest) -> HttpResponse:
    catalog = request.auth.catalog
    answer = recommend.recommend(catalog, user_id, _query(catalog, ask))
    return _respond(request, answer, ask)


def _from_parameters(request: HttpRequest, given: RequestParameters) -> RecommendationRequest:
    """The request that query parameters make.

    Raises:
        Problem: 400 for an unknown parameter or a value that is not right.
    """
    codec.check_known(request, RequestParameters.model_fields)
    document: dict[str, Any] = {"count": given.count, "explain": given.explain}
    if given.filter:
        document["filter"] = codec.decode(given.filter.encode(), "filter")
    if given.fields:
        document["fields"] = given.fields.split(",")
    if given.exclude is not None:
        document["exclude"] = [
            name for name in given.exclude.split(",") if name not in ("", "none")
        ]
    if given.as_of:
        document["as_of"] = given.as_of
    try:
        return RecommendationRequest.model_validate(document)
    except ValidationError as exc:
        errors = [{**error, "loc": ("query", *error["loc"])} for error in exc.errors()]
        raise problems.invalid(errors) from exc


def _query(catalog: Catalog, ask: RecommendationRequest) -> Query:
    """The engine's query.

    Raises:
        Problem: 400 for a filter or a field that cannot be used.
    """
    try:
        return _with_attributes(catalog, lambda known: _checked(ask, known))
    except FilterError as exc:
        errors = [{"where": exc.where, "message": str(exc)}]
        raise Problem(400, "invalid-filter", str(exc), errors=errors) from exc
    except UnknownFieldError as exc:
        errors = [{"where": "fields", "message": str(exc)}]
        raise Problem(400, "unknown-field", str(exc), errors=errors) from exc


def _with_attributes(catalog: Catalog, check: Callable[[Mapping[str, str]], Query]) -> Query:
    """Check against the remembered attributes, and where that fails against today's."""
    try:
        return check(catalog.attributes)
    except (FilterError, UnknownFieldError):
        catalog.refresh_from_db(fields=["attributes"])
        return check(catalog.attributes)


def _checked(ask: RecommendationRequest, attributes: Mapping[str, str]) -> Query:
    return Query(
        count=ask.count,
        filter=filters.parse(ask.filter, attributes) if ask.filter is not None else None,
        fields=check_fields(ask.fields, attributes),
        exclude=frozenset(ask.exclude),
        before=ask.as_of,
        named=ask.explain,
    )


def _respond(request: HttpRequest, answer: Answer, ask: RecommendationRequest) -> HttpResponse:
    language = reasons.language_of(request.headers.get("Accept-Language", ""))
    response = codec.respond(
        {
            "rec_id": str(uuid4()),
            "spaces": answer.spaces,
            "complete": answer.complete,
            "reason": answer.reason,
            "missing_ids": answer.missing_ids,
            "fallback": answer.fallback,
            "items": [
                _item(item, rank, language if ask.explain else None)
                for rank, item in enumerate(answer.items, start=1)
            ],
        }
    )
    if ask.explain:
        response["Content-Language"] = language
        patch_vary_headers(response, ["Accept-Language"])
    return response


def _item(item: Item, rank: int, language: str | None) -> dict[str, Any]:
    code = reasons.code_of(item)
    why = {
        "code": code,
        "source": item.source,
        "because": item.because,
        "interest": item.interest,
        "contributions": item.contributions,
        "channel": item.source,
        "parts": item.contributions,
    }
    if language is not None:
        why["text"] = reasons.sentence(code, item.cause, language)
    return {
        "id": item.id,
        "rank": rank,
        "score": item.score,
        "fields": item.fields,
        "why": why,
    }
