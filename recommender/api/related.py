"""Products that go with a product: similar ones, those bought with it, those that complete it."""

from collections.abc import Callable

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router

from recommender.api import codec
from recommender.api.answers import AnswerOut, from_query, query_of, respond
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import PathId
from recommender.api.list_requests import (
    BlendIn,
    ListParameters,
    ListRequest,
    RecommendationRequest,
    SimilarParameters,
    SimilarRequest,
)
from recommender.api.problems import Problem
from recommender.api.recommendations import ranked_query
from recommender.engine import bought, related
from recommender.engine.answer import Answer, UnknownProductError
from recommender.engine.bought import Wanted

router = Router(tags=["recommendations"], auth=any_key)


@router.get("/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products")
def get_similar(
    request: ApiRequest, product_id: PathId, ask: Parameters[SimilarParameters]
) -> HttpResponse:
    """The available products most like this one: by content, or as training found it best."""
    checked = from_query(request, ask, SimilarRequest)
    return answer_similar(request, product_id, checked, checked.blend)


@router.post(
    "/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products (body)"
)
def post_similar(request: ApiRequest, product_id: PathId, ask: SimilarRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return answer_similar(request, product_id, ask, ask.blend)


@router.get(
    "/products/{id:product_id}/bought-together", response=AnswerOut, summary="Bought together"
)
def get_bought_together(
    request: ApiRequest, product_id: PathId, ask: Parameters[ListParameters]
) -> HttpResponse:
    """The available products that are most often in a basket with this one.

    Where the product was never bought with others, `fallback` says what is listed instead.
    """
    checked = from_query(request, ask, ListRequest)
    return _bought(request, product_id, checked, bought.BOUGHT_TOGETHER)


@router.post(
    "/products/{id:product_id}/bought-together",
    response=AnswerOut,
    summary="Bought together (body)",
)
def post_bought_together(request: ApiRequest, product_id: PathId, ask: ListRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return _bought(request, product_id, ask, bought.BOUGHT_TOGETHER)


@router.get("/products/{id:product_id}/complements", response=AnswerOut, summary="Complements")
def get_complements(
    request: ApiRequest, product_id: PathId, ask: Parameters[ListParameters]
) -> HttpResponse:
    """The same without substitutes: what is like this product, and of its category, comes last.

    Where the product was never bought with others, `fallback` says what is listed instead.
    """
    checked = from_query(request, ask, ListRequest)
    return _bought(request, product_id, checked, bought.COMPLEMENTS)


@router.post(
    "/products/{id:product_id}/complements", response=AnswerOut, summary="Complements (body)"
)
def post_complements(request: ApiRequest, product_id: PathId, ask: ListRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return _bought(request, product_id, ask, bought.COMPLEMENTS)


def answer_similar(
    request: ApiRequest,
    product_id: str,
    ask: RecommendationRequest,
    blend: BlendIn | None = None,
) -> HttpResponse:
    """Similar products; a Problem for one that is unknown, and for what cannot be used."""
    catalog, asked = request.auth.catalog, None if blend is None else blend.to_blend()
    query = ranked_query(request, ask)
    answer = _known(product_id, lambda: related.similar(catalog, product_id, query, asked))
    return respond(request, answer, ask)


def _bought(request: ApiRequest, product_id: str, ask: ListRequest, wanted: Wanted) -> HttpResponse:
    catalog, query = request.auth.catalog, query_of(request.auth, ask)
    answer = _known(product_id, lambda: bought.bought(catalog, product_id, query, wanted))
    return respond(request, answer, ask)


def _known(product_id: str, make: Callable[[], Answer]) -> Answer:
    """The answer; a Problem where the catalog has no such product."""
    try:
        return make()
    except UnknownProductError as exc:
        detail = f"There is no product {product_id!r}."
        raise Problem(404, "unknown-product", detail, missing_ids=[product_id]) from exc
