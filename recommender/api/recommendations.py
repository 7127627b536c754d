"""Recommendations, and lists for everybody."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router

from recommender.api import codec, listing, user_tokens
from recommender.api.ad_hoc_requests import AdHocRequest
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import PathId
from recommender.api.list_requests import (
    RecommendationRequest,
    RequestParameters,
    SessionEventIn,
    seed_of,
)
from recommender.api.listing import Made, Operation
from recommender.api.problems import Problem
from recommender.api.queries import from_query, query_of, ranked_query
from recommender.api.related_requests import (
    CategoryParameters,
    CategoryRequest,
    PopularParameters,
    PopularRequest,
)
from recommender.engine import backfill, bought, charts, recommend, search
from recommender.engine.answer import Answer, Continuation, Query
from recommender.engine.control import controlled
from recommender.engine.given_history import GivenEvent
from recommender.engine.search import DEFAULT_PERSONAL, SearchQuery
from recommender.models import Catalog


class ChartOut(AnswerOut):
    """A list for everybody, and what its scores say."""

    measured_by: str


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
    checked = from_query(request, ask, RecommendationRequest)
    return listing.respond(request, FOR_USER, checked, user_id)


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
    return listing.respond(request, FOR_USER, ask, user_id)


@router.get("/popular", response=ChartOut, summary="What is popular")
def get_popular(request: ApiRequest, ask: Parameters[PopularParameters]) -> HttpResponse:
    """The available products by what users did in the last 30 days, then ever."""
    return listing.respond(request, POPULAR, from_query(request, ask, PopularRequest))


@router.get("/trending", response=ChartOut, summary="What is more popular than usual")
def get_trending(request: ApiRequest, ask: Parameters[CategoryParameters]) -> HttpResponse:
    """The available products that have more users this week than in a usual week of the quarter."""
    return listing.respond(request, TRENDING, from_query(request, ask, CategoryRequest))


@router.get("/new", response=ChartOut, summary="What is new")
def get_new(request: ApiRequest, ask: Parameters[CategoryParameters]) -> HttpResponse:
    """The available products, the latest first."""
    return listing.respond(request, NEW, from_query(request, ask, CategoryRequest))


@router.post(
    "/recommendations",
    response=AnswerOut,
    summary="Recommendations for products, a session, a user, a cart, a text, a segment",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_ad_hoc(request: ApiRequest, ask: AdHocRequest) -> HttpResponse:
    """The products for what the request tells, which is not stored.

    `products` are liked, or with a weight below 0 disliked; `session` is what somebody just did;
    with `user` both are later than what that user did. For a `cart`, what completes it; for a
    `text`, what it asks for, ranked by the taste of the others; `category` and `segment` narrow
    each of them. For nothing at all, what is popular.
    """
    codec.check_known(request, ())
    return listing.respond(request, AD_HOC, ask)


def _chart(
    name: str, request: ApiRequest, _: str, ask: CategoryRequest, after: Continuation
) -> Made:
    catalog, query = request.auth.catalog, query_of(request.auth, ask, after)
    window = ask.window if isinstance(ask, PopularRequest) else None
    answer = controlled(catalog, query, partial(charts.chart, catalog, name, window))
    return Made(answer, more={"measured_by": charts.measured_by(catalog, name, window)})


def _ad_hoc(request: ApiRequest, _: str, ask: AdHocRequest, after: Continuation) -> Made:
    may_know = ask.user is None or user_tokens.may_know(request, ask.user)
    seeds = list(map(seed_of, ask.products))
    product = seeds[0].product if len(seeds) == 1 else None
    query = replace(ranked_query(request.auth, ask, after, product), anonymous_only=not may_know)
    given = [*seeds, *_session(request.auth.catalog, ask.session)]
    answer = _answered(request.auth.catalog, ask, given, query)
    is_vouched = may_know and ask.user is not None
    # What completes a cart or answers a text names no product of the user's.
    names_none = bool(ask.cart or ask.text)
    return Made(answer if may_know or names_none else without_own(answer), is_vouched)


def _answered(
    catalog: Catalog, ask: AdHocRequest, given: Sequence[GivenEvent], query: Query
) -> Answer:
    if ask.cart:
        return bought.for_cart(catalog, ask.cart, query, user=ask.user)
    if ask.text:
        asked = SearchQuery(
            text=ask.text, query=query, user=ask.user, given=given, personal=DEFAULT_PERSONAL
        )
        return search.search(catalog, asked).answer
    return recommend.recommend_for(catalog, given, query, ask.user)


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


def _for_user(
    request: ApiRequest, user_id: str, ask: RecommendationRequest, after: Continuation
) -> Made:
    """Recommendations; a Problem for a user token that is not right, and what cannot be used."""
    may_know = user_tokens.may_know(request, user_id)
    query = replace(ranked_query(request.auth, ask, after), anonymous_only=not may_know)
    answer = recommend.recommend(request.auth.catalog, user_id, query)
    return Made(answer if may_know else without_own(answer), may_know)


def without_own(answer: Answer) -> Answer:
    """The answer without what the user had."""
    items = (replace(item, because=(), interest=None, cause=None) for item in answer.items)
    return replace(answer, items=tuple(items))


FOR_USER = Operation(
    name="for_user", schema=RecommendationRequest, make=_for_user, subject="user", knows_users=True
)
AD_HOC = Operation(name="recommendations", schema=AdHocRequest, make=_ad_hoc, knows_users=True)
POPULAR, TRENDING, NEW = (
    Operation(name=name, schema=schema, make=partial(_chart, chart))
    for name, schema, chart in (
        ("popular", PopularRequest, backfill.POPULAR),
        ("trending", CategoryRequest, backfill.TRENDING),
        ("new", CategoryRequest, backfill.NEWEST),
    )
)
