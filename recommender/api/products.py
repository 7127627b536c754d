"""Products over REST."""

import base64
import binascii
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any

import orjson
from django.db import transaction
from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router
from psycopg import sql
from pydantic import WithJsonSchema

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.documentation import documented_rows
from recommender.api.fields import PathId
from recommender.api.problems import Problem
from recommender.api.schemas import (
    ProductChange,
    ProductIn,
    RowError,
    read_rows,
    validate_rows,
)
from recommender.catalog import attributes, upsert, values
from recommender.catalog.catalogs import announce_changes
from recommender.catalog.upsert import Written
from recommender.engine.answer import SHOWN, plain_value
from recommender.models import Catalog, Product

router = Router(tags=["products"], auth=server_key)

# So many are read at once, a usual page and one more; after so many bytes a page ends.
_CHUNK, _PAGE_BYTES = 101, 8 * 1024 * 1024

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
            if len(items) == limit or size > _PAGE_BYTES:
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
    """A JSON array or one product a line, each with its `id`; a bad row costs only itself."""
    codec.check_known(request, ())
    rows = read_rows(request)
    checked = check(request.auth.catalog, rows.values)
    if rows.is_single and isinstance(checked[0], RowError):
        raise Problem(400, "invalid", checked[0].reason)
    return codec.respond(counts(write(request.auth.catalog, taken(checked)), checked))


@router.patch(
    "/products/bulk",
    summary="Change many products",
    openapi_extra=documented_rows(ProductChange, ["id"]),
)
def patch_bulk(request: ApiRequest) -> HttpResponse:
    """A JSON array or one product a line: each with its `id` and only what changes.

    One object without an `id` changes the product that is called `bulk`, and is answered with it.
    """
    codec.check_known(request, ())
    rows = read_rows(request)
    if rows.is_single and "id" not in rows.values[0]:
        change = validate_rows(ProductChange, rows.values[0])
        if isinstance(change, RowError):
            raise Problem(400, "invalid", change.reason)
        return patch_product(request, "bulk", change)
    checked = [_checked_change(row) for row in rows.values]
    written, refused = _change(request.auth.catalog, checked)
    if rows.is_single and refused[0] is not None:
        unknown = refused[0].reason.startswith("There is no product")
        status, kind = (404, "unknown-product") if unknown else (400, "invalid")
        raise Problem(status, kind, refused[0].reason)
    return codec.respond(counts(written, refused))


def _checked_change(row: Any) -> dict[str, Any] | RowError:
    change = validate_rows(ProductChange, row)
    if isinstance(change, RowError):
        return change
    if change.id is None:
        return RowError("id is missing")
    return change.model_dump(mode="json", exclude_unset=True)


def check(catalog: Catalog, rows: Sequence[Any]) -> list[dict[str, Any] | RowError]:
    """The rows as they are stored, or why they are not."""
    declared = attributes.declared(catalog)
    return [_checked(declared, row) for row in rows]


def taken(checked: Sequence[dict[str, Any] | RowError]) -> list[dict[str, Any]]:
    """Of checked rows those that can be written."""
    return [product for product in checked if not isinstance(product, RowError)]


def counts(written: Written, rows: Sequence[object]) -> dict[str, Any]:
    """What became of many rows, of which some may be RowError, as it is answered."""
    rejected = [
        {"row": place, "reason": row.reason}
        for place, row in enumerate(rows)
        if isinstance(row, RowError)
    ]
    return {
        "added": written.added,
        "changed": written.changed,
        "unchanged": written.unchanged,
        "rejected": len(rejected),
        "errors": rejected,
    }


@router.put("/products/{id:product_id}", summary="Add or replace a product")
def put_product(request: ApiRequest, product_id: PathId, product: ProductIn) -> HttpResponse:
    """The product as given; what is left out is cleared. Its vector follows within seconds."""
    codec.check_known(request, ())
    written = _write_one(request.auth.catalog, product_id, product)
    return codec.respond(
        _shown(_find(request.auth.catalog, product_id)), 201 if written.added else 200
    )


@router.patch("/products/{id:product_id}", summary="Change a product")
def patch_product(request: ApiRequest, product_id: PathId, product: ProductChange) -> HttpResponse:
    """Only the members that are given; of `attributes` only those named, and null removes one."""
    codec.check_known(request, ())
    _check_id(product.id, product_id)
    _find(request.auth.catalog, product_id)
    change = product.model_dump(mode="json", exclude_unset=True) | {"id": product_id}
    _, (refused,) = _change(request.auth.catalog, [change])
    if refused is not None:
        errors = [{"where": "body.attributes", "message": refused.reason}]
        raise Problem(400, "invalid", refused.reason, errors=errors)
    return codec.respond(_shown(_find(request.auth.catalog, product_id)))


@router.get("/products/{id:product_id}", summary="A product")
def get_product(request: ApiRequest, product_id: PathId) -> HttpResponse:
    """All that is known of a product."""
    codec.check_known(request, ())
    return codec.respond(_shown(_find(request.auth.catalog, product_id)))


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
    return write(catalog, [document])


def _change(
    catalog: Catalog, rows: Sequence[dict[str, Any] | RowError]
) -> tuple[Written, list[RowError | None]]:
    """Write what each row gives, in their order; and for each row why it cannot be written."""
    changes = [row for row in rows if not isinstance(row, RowError)]
    declared = attributes.declared(catalog)
    with transaction.atomic():
        documents = _locked(catalog, [change["id"] for change in changes])
        refused = [
            row if isinstance(row, RowError) else _apply(documents, row, declared) for row in rows
        ]
        applied = [
            row
            for row, why in zip(rows, refused, strict=True)
            if why is None and not isinstance(row, RowError)
        ]
        columns = {name for change in applied for name in change} - {"id"}
        changed = [documents[key] for key in dict.fromkeys(change["id"] for change in applied)]
        return write(catalog, changed, columns), refused


def _locked(catalog: Catalog, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The products as they are stored, by id; nobody changes them before this transaction ends."""
    products = Product.objects.select_for_update().filter(
        catalog=catalog, external_id__in=ids, deleted_at=None
    )
    names = upsert.COLUMNS
    return {
        product.external_id: orjson.loads(
            codec.encode({name: plain_value(getattr(product, name)) for name in names})
        )
        | {"id": product.external_id}
        for product in products.order_by("external_id")
    }


def _apply(
    documents: dict[str, dict[str, Any]], change: dict[str, Any], declared: dict[str, str]
) -> RowError | None:
    """Change a document, or say why not; the attributes that it declares bind the rows after."""
    document = documents.get(change["id"])
    if document is None:
        return RowError(f"There is no product {change['id']!r}.")
    given = change.get("attributes", {})
    if reason := attributes.conflict(given or {}, declared):
        return RowError(reason)
    kept = {} if given is None else document["attributes"]
    merged = {k: v for k, v in (kept | (given or {})).items() if v is not None}
    if len(merged) > values.MAX_ATTRIBUTES:
        return RowError(f"attributes has more than {values.MAX_ATTRIBUTES} members")
    changed = document | change | {"attributes": merged}
    if reason := upsert.too_large(changed):
        return RowError(reason)
    declared |= attributes.inferred(given or {})
    document |= changed
    return None


def write(
    catalog: Catalog, products: Sequence[dict[str, Any]], columns: Collection[str] | None = None
) -> Written:
    """Write checked products with the attributes that they declare, and say so to the workers."""
    if not products:
        return Written(0, 0, 0)
    with transaction.atomic():
        attributes.declare(catalog, attributes.inferred_of(products))
        written = upsert.upsert(catalog, products, columns)
        announce_changes(catalog)
    return written


def _checked(declared: dict[str, str], row: Any) -> dict[str, Any] | RowError:
    """The row as it is stored; the attributes that it declares bind the rows after it."""
    product = validate_rows(ProductIn, row)
    if isinstance(product, RowError):
        return product
    if product.id is None:
        return RowError("id is missing")
    if reason := attributes.conflict(product.attributes, declared):
        return RowError(reason, product.id)
    document = product.model_dump(mode="json")
    if reason := upsert.too_large(document):
        return RowError(reason, product.id)
    declared |= attributes.inferred(product.attributes)
    return document


def _find(catalog: Catalog, product_id: str) -> Product:
    product = Product.objects.filter(
        catalog=catalog, external_id=product_id, deleted_at=None
    ).first()
    if product is None:
        detail = f"There is no product {product_id!r}."
        raise Problem(404, "unknown-product", detail, missing_ids=[product_id])
    return product


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
