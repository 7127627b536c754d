"""Feeds of products, as shops give them to other services."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recommender.catalog import values
from recommender.importing.converters import currency_of, words
from recommender.importing.formats import (
    Format,
    category,
    made,
    one_of,
    sold_for,
    texts,
)
from recommender.importing.mapping import Read
from recommender.importing.row import Row, Values

# Google Merchant Center and Meta: https://support.google.com/merchants/answer/7052112,
# https://www.facebook.com/business/help/120325381656392

_GOOGLE_TYPE = one_of("product_type", "google_product_category", "fb_product_category")


def _first(value: Any) -> Any:
    """The first of the values, where an element occurs several times."""
    return value[0] if isinstance(value, list) and value else value


def _google_amount(row: Values) -> Any:
    starts, _, ends = str(row.get("sale_price_effective_date") or "").partition("/")
    return sold_for(_first(row.get("price")), _first(row.get("sale_price")), starts, ends)


def _google_images(row: Values) -> list[str]:
    given: list[Any] = [row.get("image_link"), row.get("additional_image_link")]
    given += [row[name] for name in row if re.fullmatch(r"image\[\d+\]\.url", name)]
    return [
        address
        for value in given
        for part in (value if isinstance(value, list) else [value])
        for address in (values.urls(part) or [])
    ]


def _google_videos(row: Values) -> list[str]:
    return [row[name] for name in row if re.fullmatch(r"video\[\d+\]\.url", name) and row[name]]


def _google_tags(row: Values) -> list[str] | None:
    names = [name for name in row if re.fullmatch(r"product_tags\[\d+\]|custom_label_\d", name)]
    return words([row[name] for name in names if row[name]])


def _value_of(name: str) -> Read:
    return made(lambda row: _first(row.get(name)) or None, name)


_GOOGLE_FIELDS: Mapping[str, Read] = {
    "id": made(lambda row: _first(row.get("id")), "id"),
    "title": made(lambda row: _first(row.get("title")), "title"),
    "description": one_of("description", "rich_text_description"),
    "category": made(lambda row: category(_first(_GOOGLE_TYPE.value(row))), *_GOOGLE_TYPE.columns),
    "brand": one_of("brand", "manufacturer"),
    "price": made(_google_amount, "price", "sale_price"),
    "currency": made(lambda row: currency_of(_google_amount(row)), "price", "sale_price"),
    "in_stock": one_of("availability", "quantity_to_sell_on_facebook", "inventory"),
    "image_urls": made(
        _google_images, "image_link", "additional_image_link", "image[0].url", "image_url"
    ),
    "video_urls": made(_google_videos, "video[0].url"),
    **{
        f"attributes.{name}": _value_of(name)
        for name in ("color", "size", "gender", "age_group", "material", "pattern", "condition")
    },
    "attributes.item_group_id": _value_of("item_group_id"),
    "attributes.tags": made(_google_tags, "product_tags[0]", "custom_label_0"),
}

GOOGLE = Format(
    name="google",
    title="a Google Merchant Center feed",
    kind="products",
    marks=(
        frozenset({"id", "title", "link", "image_link", "availability"}),
        frozenset({"id", "title", "link", "image_link", "price"}),
        frozenset({"id", "title", "g:image_link"}),
    ),
    fields=_GOOGLE_FIELDS,
    note="Text with tabs or commas, or RSS and Atom; a sale price counts on its days.",
)

META = Format(
    name="meta",
    title="a Meta catalogue",
    kind="products",
    marks=(
        frozenset({"id", "title", "link", "image_link", "availability", "fb_product_category"}),
        frozenset(
            {*("id", "title", "link", "image_link", "availability"), "quantity_to_sell_on_facebook"}
        ),
        frozenset({"id", "title", "link", "availability", "image[0].url"}),
        frozenset({"id", "title", "link", "image_link", "availability", "product_tags[0]"}),
    ),
    fields=_GOOGLE_FIELDS,
)


# schema.org, as pages carry it: https://schema.org/Product
_PRODUCT_TYPES = {"product", "productgroup", "productmodel", "individualproduct", "someproducts"}
_HOLDERS = ("@graph", "itemListElement", "item", "mainEntity", "mainEntityOfPage")


def _types(thing: Values) -> set[str]:
    return {str(word).rpartition("/")[2].lower() for word in words(thing.get("@type")) or ()}


def _products(thing: Any) -> Iterator[Values]:
    """The products in a document: itself, of a graph, or of a list of items."""
    if isinstance(thing, list):
        for member in thing:
            yield from _products(member)
    elif isinstance(thing, dict):
        if _types(thing) & _PRODUCT_TYPES:
            yield thing
            return
        for name in _HOLDERS:
            yield from _products(thing.get(name))


def _schema_rows(rows: Iterator[Row], _: Path) -> Iterator[Row]:
    for row in rows:
        products = list(_products(dict(row.values)))
        for product in products:
            yield replace(row, values=product)
        if not products:
            yield row


def _offers(row: Values) -> list[Values]:
    given = row.get("offers")
    if given is None:
        variants = row.get("hasVariant") or []
        variants = variants if isinstance(variants, list) else [variants]
        given = [variant.get("offers") for variant in variants if isinstance(variant, dict)]
    offers = given if isinstance(given, list) else [given]
    flat = [part for offer in offers for part in (offer if isinstance(offer, list) else [offer])]
    return [offer for offer in flat if isinstance(offer, dict)]


def _offered(offer: Values, name: str) -> Any:
    specification = _first(offer.get("priceSpecification"))
    nested = specification if isinstance(specification, dict) else {}
    return offer.get(name, nested.get(name))


def _lowest_price(row: Values) -> Any:
    prices = [
        price
        for offer in _offers(row)
        for price in (_offered(offer, "price"), offer.get("lowPrice"))
        if price not in (None, "")
    ]
    if len(prices) < 2:
        return prices[0] if prices else None
    return min(amount for price in prices if (amount := values.number(price)) is not None)


def _availability(row: Values) -> bool | None:
    said = [values.stock(_first(offer.get("availability"))) for offer in _offers(row)]
    known = [is_there for is_there in said if is_there is not None]
    return any(known) if known else None


def _named(value: Any) -> Any:
    """The name of a thing that is given as text, as an object, or as a list of these."""
    value = _first(value)
    return (value.get("name") or value.get("@id")) if isinstance(value, dict) else value


def _pictures(row: Values) -> list[str]:
    given = row.get("image")
    parts = given if isinstance(given, list) else [given]
    addresses = [
        part.get("url") or part.get("contentUrl") if isinstance(part, dict) else part
        for part in parts
    ]
    return [address for address in addresses if address][: values.MAX_URLS]


def _gtin(row: Values) -> Any:
    names = ("sku", "productGroupID", "productID", "gtin", "gtin13", "gtin12", "gtin8", "gtin14")
    return next(
        (row[name] for name in (*names, "mpn", "@id", "url") if row.get(name) not in (None, "")),
        None,
    )


def _thing_of(name: str) -> Read:
    return made(lambda row: _named(row.get(name)), "@type", "@graph")


SCHEMA_ORG = Format(
    name="schema.org",
    title="products of schema.org (JSON-LD)",
    kind="products",
    marks=(frozenset({"@type"}), frozenset({"@graph"})),
    fields={
        "id": made(_gtin, "@type", "@graph"),
        "title": made(lambda row: _first(row.get("name")), "@type", "@graph"),
        "description": made(lambda row: texts(row.get("description")), "@type", "@graph"),
        "category": made(lambda row: category(_named(row.get("category"))), "@type", "@graph"),
        "brand": made(
            lambda row: _named(row.get("brand") or row.get("manufacturer")), "@type", "@graph"
        ),
        "price": made(_lowest_price, "@type", "@graph"),
        "currency": made(
            lambda row: next(
                (code for offer in _offers(row) if (code := _offered(offer, "priceCurrency"))), None
            ),
            *("@type", "@graph"),
        ),
        "in_stock": made(_availability, "@type", "@graph"),
        "image_urls": made(_pictures, "@type", "@graph"),
        "released_at": made(lambda row: row.get("releaseDate"), "@type", "@graph"),
        **{f"attributes.{name}": _thing_of(name) for name in ("color", "size", "material")},
    },
    left_out=lambda row: None if _types(row) & _PRODUCT_TYPES else "things that are no products",
    rows=_schema_rows,
    note="One object a line, an array, a @graph or an ItemList.",
)

FORMATS = (GOOGLE, META, SCHEMA_ORG)
