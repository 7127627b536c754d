"""Writing products that requests send: rows checked, merged with what is stored, written."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction

from recommender.api import codec
from recommender.api.lines import REJECTED
from recommender.api.schemas import ProductChange, ProductIn, RowError, id_of, validate_rows
from recommender.catalog import attributes, upsert, values
from recommender.catalog.catalogs import announce_changes
from recommender.catalog.upsert import Written
from recommender.engine.answer import plain_value
from recommender.models import Catalog, Product


def checked_change(row: Any) -> dict[str, Any] | RowError:
    """A row of a change as it is applied, or why it is not."""
    given = validate_rows(ProductChange, row)
    if isinstance(given, RowError):
        return given
    if given.id is None:
        return RowError("id is missing")
    return given.model_dump(mode="json", exclude_unset=True)


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


def told(
    outcomes: Mapping[str, str], rows: Sequence[Any], refused: Sequence[object]
) -> Iterator[dict[str, Any]]:
    """What became of each row, as a line of it is answered; rows of one id share an outcome.

    Args:
        outcomes: of each id that was written.
        rows: as they were sent.
        refused: for each row a RowError, or anything else where it was taken.
    """
    for row, error in zip(rows, refused, strict=True):
        if isinstance(error, RowError):
            yield {"id": error.id or id_of(row), "status": REJECTED, "reason": error.reason}
        else:
            key = id_of(row)
            yield {"id": key, "status": outcomes[key or ""]}


def change(
    catalog: Catalog, rows: Sequence[dict[str, Any] | RowError]
) -> tuple[dict[str, str], list[RowError | None]]:
    """Write what each row gives, in their order.

    Returns:
        What became of each id, and for each row why it cannot be written.
    """
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
        return write_each(catalog, changed, columns), refused


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
    """Write products as `write_each` does, and count them."""
    return Written.of(write_each(catalog, products, columns).values())


def write_each(
    catalog: Catalog, products: Sequence[dict[str, Any]], columns: Collection[str] | None = None
) -> dict[str, str]:
    """Write checked products with the attributes that they declare, and say so to the workers.

    Returns:
        What became of each id.
    """
    if not products:
        return {}
    with transaction.atomic():
        attributes.declare(catalog, attributes.inferred_of(products))
        outcomes = upsert.upsert_each(catalog, products, columns)
        announce_changes(catalog)
    return outcomes


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
