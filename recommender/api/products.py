"""Products over REST."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router
from psycopg import sql
from pydantic import WithJsonSchema

from recommender.api import codec, lines, problems, product_rows
from recommender.api.auth import ApiRequest, server_key
from recommender.api.documentation import documented_rows
from recommender.api.fields import PathId
from recommender.api.problems import Problem
from recommender.api.schemas import (
    ProductChange,
    ProductIn,
    RowError,
    read_lines,
    read_rows,
    validate_rows,
)
from recommender.catalog import attributes, upsert
from recommender.catalog.upsert import Written
from recommender.engine.answer import SHOWN, plain_value
from recommender.history import aliases
from recommender.models import Catalog, Product

router = Router(tags=["products"], auth=server_key)

_OUTCOMES = (upsert.ADDED, upsert.CHANGED, upsert.UNCHANGED, lines.REJECTED)
_CHUNK = 101  # so many are read at once: a usual page and one more

Limit = Annotated[int, Parameters(ge=1, le=1000)]
Cursor = Annotated[str | None, WithJsonSchema({"type": "string"})]


@router.get("/products", summary="Products, page by page")
def list_products(request: ApiRequest, limit: Limit = 100, cursor: Cursor = None) -> HttpResponse:
    """Products in a stable order; pass `next` as `cursor` until it is null.

    Of large products a page has fewer than `limit`: it ends after 8 MB.
    """
    codec.check_known(request, ("limit", "cursor"))
    items, last = _page(request.auth.catalog, _decode_cursor(cursor) if cursor else 0, limit)
    following = _encode_cursor(last) if last is not None else None
    return codec.respond({"items": items, "next": following})


def _page(catalog: Catalog, after: int, limit: int) -> tuple[list[orjson.Fragment], int | None]:
    """Products as JSON, and the key of the last one where there are more."""
    products = Product.objects.filter(catalog=catalog, deleted_at=None).order_by("pk")
    items: list[orjson.Fragment] = []
    size = 0
    while True:
        found = list(products.filter(pk__gt=after)[:_CHUNK])
        for product in found:
            if len(items) == limit or size > codec.MOST_BYTES:
                return items, after
            item = codec.encode(_shown(product))
            items.append(orjson.Fragment(item))
            size, after = size + len(item), product.pk
        if len(found) < _CHUNK:
            return items, None


@router.post(
    "/products/bulk",
    summary="Add or replace many products",
    openapi_extra=documented_rows(ProductIn, ["id"]),
)
def bulk(request: ApiRequest) -> HttpResponse:
    """A JSON array or one product a line, each with its `id`; a bad row costs only itself.

    One a line and with `Accept: application/x-ndjson` there may be any number of them, and each is
    answered by a line of its own.
    """
    codec.check_known(request, ())
    if lines.are_wanted(request):
        return _bulk_by_line(request)
    rows = read_rows(request)
    checked = product_rows.check(request.auth.catalog, rows.values)
    if rows.is_single and isinstance(checked[0], RowError):
        raise Problem(400, "invalid", checked[0].reason)
    written = product_rows.write(request.auth.catalog, product_rows.taken(checked))
    return codec.respond(product_rows.counts(written, checked))


def _bulk_by_line(request: ApiRequest) -> HttpResponse:
    rows = read_lines(request)
    checked = product_rows.check(request.auth.catalog, rows)
    outcomes = product_rows.write_each(request.auth.catalog, product_rows.taken(checked))
    return lines.respond(request, product_rows.told(outcomes, rows, checked), _OUTCOMES)


@router.patch(
    "/products/bulk",
    summary="Change many products",
    openapi_extra=documented_rows(ProductChange, ["id"]),
)
def patch_bulk(request: ApiRequest) -> HttpResponse:
    """A JSON array or one product a line: each with its `id` and only what changes.

    With `Accept: application/x-ndjson` any number of lines, each answered by one.
    One object without an `id` changes the product that is called `bulk`, and is answered with it.
    """
    codec.check_known(request, ())
    if lines.are_wanted(request):
        return _patch_by_line(request)
    rows = read_rows(request)
    if rows.is_single and "id" not in rows.values[0]:
        change = validate_rows(ProductChange, rows.values[0])
        if isinstance(change, RowError):
            raise Problem(400, "invalid", change.reason)
        return patch_product(request, "bulk", change)
    checked = [product_rows.checked_change(row) for row in rows.values]
    outcomes, refused = product_rows.change(request.auth.catalog, checked)
    if rows.is_single and refused[0] is not None:
        unknown = refused[0].reason.startswith("There is no product")
        status, kind = (404, "unknown-product") if unknown else (400, "invalid")
        raise Problem(status, kind, refused[0].reason)
    return codec.respond(product_rows.counts(Written.of(outcomes.values()), refused))


def _patch_by_line(request: ApiRequest) -> HttpResponse:
    rows = read_lines(request)
    checked = [product_rows.checked_change(row) for row in rows]
    outcomes, refused = product_rows.change(request.auth.catalog, checked)
    return lines.respond(request, product_rows.told(outcomes, rows, refused), _OUTCOMES)


@router.put("/products/{id:product_id}", summary="Add or replace a product")
def put_product(request: ApiRequest, product_id: PathId, product: ProductIn) -> HttpResponse:
    """The product as given; what is left out is cleared. Its vector follows within seconds."""
    codec.check_known(request, ())
    written = _write_one(request.auth.catalog, product_id, product)
    return codec.respond(
        _shown(_kept(request.auth.catalog, product_id)), 201 if written.added else 200
    )


@router.patch("/products/{id:product_id}", summary="Change a product")
def patch_product(request: ApiRequest, product_id: PathId, product: ProductChange) -> HttpResponse:
    """Only the members that are given; of `attributes` only those named, and null removes one."""
    codec.check_known(request, ())
    _check_id(product.id, product_id)
    _find(request.auth.catalog, product_id)
    change = product.model_dump(mode="json", exclude_unset=True) | {"id": product_id}
    _, (refused,) = product_rows.change(request.auth.catalog, [change])
    if refused is not None:
        errors = [{"where": "body.attributes", "message": refused.reason}]
        raise Problem(400, "invalid", refused.reason, errors=errors)
    return codec.respond(_shown(_find(request.auth.catalog, product_id)))


@router.get("/products/{id:product_id}", summary="A product")
def get_product(request: ApiRequest, product_id: PathId) -> HttpResponse:
    """All that is known of a product; of one that was merged, of the one that stayed."""
    codec.check_known(request, ())
    return codec.respond(_shown(_kept(request.auth.catalog, product_id)))


@router.delete("/products/{id:product_id}", response={204: None}, summary="Remove a product")
def delete_product(request: ApiRequest, product_id: PathId) -> HttpResponse:
    """Recommend it no more. Its place in histories stays; putting it again brings it back."""
    codec.check_known(request, ())
    product = _find(request.auth.catalog, product_id)
    upsert.take_off_sale(sql.SQL("p.id = {}").format(product.pk))
    return HttpResponse(status=204)


def answer_as_product(router: Router, word: str, *, patches: bool) -> None:
    """Have a product whose id is the word of an operation put, read and removed like any other.

    Args:
        patches: whether it is changed like any other, too: the operation has no PATCH of its own.
    """

    def put(request: ApiRequest, product: ProductIn) -> HttpResponse:
        return put_product(request, word, product)

    def get(request: ApiRequest) -> HttpResponse:
        return get_product(request, word)

    def delete(request: ApiRequest) -> HttpResponse:
        return delete_product(request, word)

    def patch(request: ApiRequest, product: ProductChange) -> HttpResponse:
        return patch_product(request, word, product)

    views: dict[str, Callable[..., HttpResponse]] = {"PUT": put, "GET": get, "DELETE": delete}
    if patches:
        views["PATCH"] = patch
    for method, view in views.items():
        router.add_api_operation(f"/products/{word}", [method], view, include_in_schema=False)


answer_as_product(router, "bulk", patches=False)


def _check_id(given: str | None, product_id: str) -> None:
    if given not in (None, product_id):
        detail = f"The body says {given!r}, the address {product_id!r}."
        raise Problem(400, "two-ids", detail)


def _write_one(catalog: Catalog, product_id: str, product: ProductIn) -> Written:
    _check_id(product.id, product_id)
    if reason := attributes.conflict(product.attributes, attributes.declared(catalog)):
        errors = [{"where": "body.attributes", "message": reason}]
        raise Problem(400, "invalid", reason, errors=errors)
    document = product.model_dump(mode="json") | {"id": product_id}
    if reason := upsert.too_large(document):
        raise Problem(413, "too-large", reason)
    return product_rows.write(catalog, [document])


def _find(catalog: Catalog, product_id: str) -> Product:
    product = Product.objects.filter(
        catalog=catalog, external_id=product_id, deleted_at=None
    ).first()
    if product is None:
        raise problems.unknown_product(product_id)
    return product


def _kept(catalog: Catalog, product_id: str) -> Product:
    return _find(catalog, aliases.canonical(catalog, product_id))


def _shown(product: Product) -> dict[str, Any]:
    values = {name: plain_value(getattr(product, name)) for name in SHOWN}
    return {"id": product.external_id, **values, "updated_at": product.updated_at}


def _encode_cursor(pk: int) -> str:
    return base64.urlsafe_b64encode(str(pk).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error) as exc:
        raise Problem(400, "invalid-cursor", "Use `next` of the page before as it is.") from exc
