"""Product exports of shop systems."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recommender.importing.converters import words
from recommender.importing.formats import Format, category, made, one_of, sold_for, texts
from recommender.importing.mapping import column
from recommender.importing.row import Row, Values

# Shopify: https://help.shopify.com/en/manual/products/import-export/using-csv
# Its columns were renamed in 2025, and both names are in use.

_HANDLE = one_of("Handle", "URL handle")
_SHOPIFY_STATUS = one_of("Status")
_SHOPIFY_PUBLISHED = one_of("Published", "Published on online store")
_SHOPIFY_CATEGORY = one_of("Product Category", "Product category", "Standardized Product Type")
_SHOPIFY_TRACKER = one_of("Variant Inventory Tracker", "Inventory tracker")
_SHOPIFY_QUANTITY = one_of("Variant Inventory Qty", "Inventory quantity")
_SHOPIFY_POLICY = one_of("Variant Inventory Policy", "Continue selling when out of stock")
_SHOPIFY_PRICE = one_of("Variant Price", "Price")


def _shopify_left_out(row: Values) -> str | None:
    status = str(_SHOPIFY_STATUS.value(row) or "").lower()
    if status in {"draft", "archived"}:
        return f"{status} products"
    if str(_SHOPIFY_PUBLISHED.value(row) or "").lower() in {"false", "no", "0"}:
        return "products that are not published"
    return None


def _shopify_stock(row: Values) -> Any:
    if _SHOPIFY_PRICE.value(row) is None:
        return None  # the row of a further picture
    if str(_SHOPIFY_POLICY.value(row) or "").lower() in {"continue", "true", "yes"}:
        return True
    is_tracked = _SHOPIFY_TRACKER.value(row) is not None
    is_said = any(name in row for name in _SHOPIFY_TRACKER.columns)
    if is_said and not is_tracked:
        return True
    return _SHOPIFY_QUANTITY.value(row)


SHOPIFY = Format(
    name="shopify",
    title="a Shopify product export",
    kind="products",
    marks=(
        frozenset({"Handle", "Title", "Variant Price"}),
        frozenset({"URL handle", "Title", "Price"}),
        frozenset({"Handle", "Title", "Body (HTML)"}),
    ),
    fields={
        "id": _HANDLE,
        "title": one_of("Title"),
        "description": one_of("Body (HTML)", "Description"),
        "category": made(
            lambda row: category(_SHOPIFY_CATEGORY.value(row)) or category(row.get("Type")),
            *(*_SHOPIFY_CATEGORY.columns, "Type"),
        ),
        "brand": one_of("Vendor"),
        "price": _SHOPIFY_PRICE,
        "in_stock": made(
            _shopify_stock,
            *(*_SHOPIFY_QUANTITY.columns, *_SHOPIFY_POLICY.columns, *_SHOPIFY_TRACKER.columns),
        ),
        "image_urls": made(
            lambda row: [
                address
                for name in ("Image Src", "Product image URL", "Variant Image", "Variant image URL")
                if (address := row.get(name))
            ],
            *("Image Src", "Product image URL", "Variant Image", "Variant image URL"),
        ),
        "attributes.type": one_of("Type"),
        "attributes.tags": made(lambda row: words(row.get("Tags")), "Tags"),
    },
    left_out=_shopify_left_out,
    variant=lambda _: False,
    note="One product a handle, of all its rows; drafts and archived products are left out.",
)

# WooCommerce: https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema

_WOO_ATTRIBUTE = re.compile(r"Attribute (\d+) name")


def _woo_is_variation(row: Values) -> bool:
    return "variation" in (words(str(row.get("Type") or "").lower()) or ())


def _woo_id(row: Values) -> Any:
    return row.get("ID") or row.get("SKU")


def _woo_left_out(row: Values) -> str | None:
    published = str(row.get("Published") or "").strip().lower()
    hidden = {"0", "-1", "false", "no", "draft", "private", "pending"}
    return "products that are not published" if published in hidden else None


def _woo_price(row: Values) -> Any:
    dates = (row.get("Date sale price starts"), row.get("Date sale price ends"))
    return sold_for(row.get("Regular price"), row.get("Sale price"), *dates)


def _woo_stock(row: Values) -> Any:
    said = str(row.get("In stock?") or "").strip().lower()
    if said in {"", "parent"}:
        return row.get("Stock") or None
    return said


def _woo_paths(row: Values) -> list[str]:
    """Every path: commas part them, and are escaped within a name."""
    parts = re.split(r"(?<!\\),", str(row.get("Categories") or ""))
    return [path for part in parts if (path := category(part.replace("\\,", ",")))]


def _woo_attributes(row: Values) -> dict[str, Any]:
    given: dict[str, Any] = {
        "sku": row.get("SKU") or None,
        "categories": _woo_paths(row) or None,
        "tags": words(row.get("Tags")),
    }
    for name in row:
        number = _WOO_ATTRIBUTE.fullmatch(name)
        if number and row[name]:
            given[row[name]] = words(row.get(f"Attribute {number[1]} value(s)"))
    return given


def _woo_rows(rows: Iterator[Row], _: Path) -> Iterator[Row]:
    """The rows, each variation with the id of its parent, which is named by `id:44` or its SKU."""
    ids: dict[str, str] = {}
    early: list[Row] = []  # variations that stand before their parent
    for row in rows:
        if not _woo_is_variation(row.values):
            own = str(_woo_id(row.values) or "")
            ids |= {f"id:{own}": own, str(row.values.get("SKU") or ""): own}
            yield row
        elif (of_parent := _of_parent(row, ids)) is not None:
            yield of_parent
        else:
            early.append(row)
    for row in early:
        yield _of_parent(row, ids) or replace(row, problem="Parent is no product of the file")


def _of_parent(row: Row, ids: Mapping[str, str]) -> Row | None:
    """The row with the id of its parent; None where there is none so far."""
    parent = re.sub(r"^id:\s*", "id:", str(row.values.get("Parent") or "").strip())
    return replace(row, values={**row.values, "ID": ids[parent]}) if ids.get(parent) else None


WOOCOMMERCE = Format(
    name="woocommerce",
    title="a WooCommerce product export",
    kind="products",
    marks=(
        frozenset({"Type", "SKU", "Name", "Regular price"}),
        frozenset({"Type", "Name", "Categories", "Images"}),
    ),
    fields={
        "id": made(_woo_id, "ID", "SKU"),
        "title": column("Name"),
        "description": made(
            lambda row: texts(row.get("Short description"), row.get("Description")),
            *("Description", "Short description"),
        ),
        "category": made(lambda row: next(iter(_woo_paths(row)), None), "Categories"),
        "brand": one_of("Brands", "Brand"),
        "price": made(_woo_price, "Regular price", "Sale price"),
        "in_stock": made(_woo_stock, "In stock?", "Stock"),
        "image_urls": column("Images"),
        "attributes": made(_woo_attributes, "SKU", "Categories", "Tags"),
    },
    left_out=_woo_left_out,
    variant=_woo_is_variation,
    rows=_woo_rows,
    note="Variations are part of their product; drafts and private products are left out.",
)

FORMATS = (SHOPIFY, WOOCOMMERCE)
