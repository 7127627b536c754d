"""Products that go with a product: similar ones, those bought with it, those that complete it."""

from collections.abc import Callable
from functools import partial

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router

from recommender.api import codec, listing, problems
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import PathId
from recommender.api.list_requests import ListParameters, ListRequest
from recommender.api.listing import Made, Operation
from recommender.api.queries import from_query, query_of, ranked_query
from recommender.api.related_requests import SimilarParameters, SimilarRequest
from recommender.engine import bought, related
from recommender.engine.answer import Answer, Continuation, UnknownProductError
from recommender.engine.bought import Wanted

router = Router(tags=["recommendations"], auth=any_key)


@router.get("/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products")
def get_similar(
    request: ApiRequest, product_id: PathId, ask: Parameters[SimilarParameters]
) -> HttpResponse:
    """The available products most like this one: by content, or as training found it best."""
    checked = from_query(request, ask, SimilarRequest)
    return listing.respond(request, SIMILAR, checked, product_id)


@router.post(
    "/products/{id:product_id}/similar", response=AnswerOut, summary="Similar products (body)"
)
def post_similar(request: ApiRequest, product_id: PathId, ask: SimilarRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return listing.respond(request, SIMILAR, ask, product_id)


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
    return listing.respond(request, BOUGHT_TOGETHER, checked, product_id)


@router.post(
    "/products/{id:product_id}/bought-together",
    response=AnswerOut,
    summary="Bought together (body)",
)
def post_bought_together(request: ApiRequest, product_id: PathId, ask: ListRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return listing.respond(request, BOUGHT_TOGETHER, ask, product_id)


@router.get("/products/{id:product_id}/complements", response=AnswerOut, summary="Complements")
def get_complements(
    request: ApiRequest, product_id: PathId, ask: Parameters[ListParameters]
) -> HttpResponse:
    """The same without substitutes: what is like this product, and of its category, comes last.

    Where the product was never bought with others, `fallback` says what is listed instead.
    """
    checked = from_query(request, ask, ListRequest)
    return listing.respond(request, COMPLEMENTS, checked, product_id)


@router.post(
    "/products/{id:product_id}/complements", response=AnswerOut, summary="Complements (body)"
)
def post_complements(request: ApiRequest, product_id: PathId, ask: ListRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return listing.respond(request, COMPLEMENTS, ask, product_id)


def _similar(
    request: ApiRequest, product_id: str, ask: SimilarRequest, after: Continuation
) -> Made:
    """Similar products; a Problem for one that is unknown, and for what cannot be used."""
    catalog, query = request.auth.catalog, ranked_query(request.auth, ask, after, product_id)
    blend = None if ask.blend is None else ask.blend.to_blend()
    return _known(product_id, lambda: related.similar(catalog, product_id, query, blend))


def _bought(
    wanted: Wanted, request: ApiRequest, product_id: str, ask: ListRequest, after: Continuation
) -> Made:
    catalog = request.auth.catalog
    query = query_of(request.auth, ask, after, product=product_id)
    return _known(product_id, lambda: bought.bought(catalog, product_id, query, wanted))


def _known(product_id: str, make: Callable[[], Answer]) -> Made:
    """The answer; a Problem where the catalog has no such product."""
    try:
        return Made(make())
    except UnknownProductError as exc:
        raise problems.unknown_product(product_id) from exc


SIMILAR = Operation(name="similar", schema=SimilarRequest, make=_similar, subject="product")
BOUGHT_TOGETHER, COMPLEMENTS = (
    Operation(name=name, schema=ListRequest, make=partial(_bought, wanted), subject="product")
    for name, wanted in (
        ("bought_together", bought.BOUGHT_TOGETHER),
        ("complements", bought.COMPLEMENTS),
    )
)
