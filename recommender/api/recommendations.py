"""Recommendations, and lists for everybody."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Query as Parameters
from ninja import Router

from recommender.api import codec, user_tokens
from recommender.api.answers import AnswerOut, from_query, query_of, respond
from recommender.api.auth import BROWSER, ApiRequest, any_key
from recommender.api.fields import PathId
from recommender.api.list_requests import (
    AdHocRequest,
    ListParameters,
    ListRequest,
    RecommendationRequest,
    RequestParameters,
    SeedIn,
    SessionEventIn,
)
from recommender.api.problems import Problem
from recommender.engine import backfill, recommend
from recommender.engine.answer import Item, Query
from recommender.engine.given_history import GivenEvent
from recommender.models import Catalog

router = Router(tags=["recommendations"], auth=any_key)


@router.get(
    "/users/{id:user_id}/recommendations",
    response=AnswerOut,
    summary="Recommendations",
    openapi_extra=user_tokens.DOCUMENTED,
)
def get_recommendations(
    request: ApiRequest, user_id: PathId, ask: Parameters[RequestParameters]
) -> HttpResponse:
    """The products for this user; for one nobody knows, what is popular.

    So it is for a browser key without a user token, where the shop's server knows the user.
    """
    return answer_user(request, user_id, from_query(request, ask, RecommendationRequest))


@router.post(
    "/users/{id:user_id}/recommendations",
    response=AnswerOut,
    summary="Recommendations (body)",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_recommendations(
    request: ApiRequest, user_id: PathId, ask: RecommendationRequest
) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return answer_user(request, user_id, ask)


@router.get("/popular", response=AnswerOut, summary="What is popular")
def get_popular(request: ApiRequest, ask: Parameters[ListParameters]) -> HttpResponse:
    """The available products by what users did in the last 30 days, then ever."""
    return _chart(request, ask, backfill.POPULAR)


@router.get("/trending", response=AnswerOut, summary="What is more popular than usual")
def get_trending(request: ApiRequest, ask: Parameters[ListParameters]) -> HttpResponse:
    """The available products that have more users this week than in a usual week of the quarter."""
    return _chart(request, ask, backfill.TRENDING)


@router.get("/new", response=AnswerOut, summary="What is new")
def get_new(request: ApiRequest, ask: Parameters[ListParameters]) -> HttpResponse:
    """The available products, the latest first."""
    return _chart(request, ask, backfill.NEWEST)


def _chart(request: ApiRequest, given: ListParameters, name: str) -> HttpResponse:
    ask = from_query(request, given, ListRequest)
    answer = backfill.chart(request.auth.catalog, name, query_of(request.auth, ask))
    return respond(request, answer, ask)


@router.post(
    "/recommendations",
    response=AnswerOut,
    summary="Recommendations for products, a session, a user",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_ad_hoc(request: ApiRequest, ask: AdHocRequest) -> HttpResponse:
    """The products for what the request tells, which is not stored.

    `products` are liked, or with a weight below 0 disliked; `session` is what somebody just did;
    with `user` both are later than what that user did. For nothing at all, what is popular.
    """
    codec.check_known(request, ())
    may_know = ask.user is None or user_tokens.may_know(request, ask.user)
    query = replace(ranked_query(request, ask), anonymous_only=not may_know)
    given = [*map(_seed, ask.products), *_session(request.auth.catalog, ask.session)]
    answer = recommend.recommend_for(request.auth.catalog, given, query, ask.user)
    if not may_know:
        answer = replace(answer, items=tuple(map(_without_own, answer.items)))
    return _varying(request, respond(request, answer, ask))


def _seed(product: str | SeedIn) -> GivenEvent:
    if isinstance(product, str):
        return GivenEvent(product=product)
    return GivenEvent(product=product.id, weight=product.weight)


def _session(catalog: Catalog, events: Sequence[SessionEventIn]) -> Iterator[GivenEvent]:
    """The events as the engine reads them.

    Raises:
        Problem: 400 for a type that the catalog has no weight for.
    """
    for place, event in enumerate(events):
        if event.type not in catalog.event_weights:
            known = ", ".join(sorted(catalog.event_weights))
            message = f"{event.type!r} is no type of event here; there are: {known}."
            errors = [{"where": f"body.session.{place}.type", "message": message}]
            raise Problem(400, "unknown-event-type", message, errors=errors)
        yield GivenEvent(product=event.product, type=event.type, value=event.value, at=event.at)


def _varying(request: ApiRequest, response: HttpResponse) -> HttpResponse:
    """The answer, which for a browser key depends on its user token."""
    if request.auth.scope == BROWSER:
        patch_vary_headers(response, [user_tokens.HEADER])
    return response


def answer_user(request: ApiRequest, user_id: str, ask: RecommendationRequest) -> HttpResponse:
    """Recommendations; a Problem for a user token that is not right, and what cannot be used."""
    may_know = user_tokens.may_know(request, user_id)
    query = replace(ranked_query(request, ask), anonymous_only=not may_know)
    answer = recommend.recommend(request.auth.catalog, user_id, query)
    if not may_know:
        answer = replace(answer, items=tuple(map(_without_own, answer.items)))
    return _varying(request, respond(request, answer, ask))


def _without_own(item: Item) -> Item:
    """The item without what the user had."""
    return replace(item, because=(), interest=None, cause=None)


def ranked_query(request: ApiRequest, ask: RecommendationRequest) -> Query:
    """The engine's query; raises as `query_of`."""
    query = query_of(request.auth, ask)
    return replace(query, exclude=frozenset(ask.exclude), before=ask.as_of)
