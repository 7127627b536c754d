"""The product fields that an answer may carry along."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from psycopg import sql

from recommender import database
from recommender.engine.answer import UnknownFieldError
from recommender.retrieval.filters import unknown_field

SHOWN = (
    "title",
    "description",
    "category",
    "brand",
    "price",
    "currency",
    "in_stock",
    "image_urls",
    "video_urls",
    "attributes",
    "released_at",
)


def check(names: Iterable[str], attributes: Collection[str]) -> tuple[str, ...]:
    """The names, each a field or a declared attribute.

    Raises:
        UnknownFieldError: naming the first that is neither.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in SHOWN and name.removeprefix("attributes.") not in attributes:
            raise UnknownFieldError(unknown_field(name, SHOWN, attributes))
    return wanted


def load(
    catalog_id: int, external_ids: Collection[str], names: tuple[str, ...]
) -> Mapping[str, Mapping[str, Any]]:
    """The named fields of these products, by external id; one query, none where none is named."""
    if not names or not external_ids:
        return {}
    columns = [name for name in names if name in SHOWN]
    query = sql.SQL(
        "SELECT {} FROM recommender_product WHERE catalog_id = %s AND external_id = ANY(%s)"
    ).format(sql.SQL(", ").join(map(sql.Identifier, ["external_id", "attributes", *columns])))
    rows = database.fetch(query, (catalog_id, list(external_ids)))
    return {
        external_id: _values(names, dict(zip(columns, map(plain, values), strict=True)), attributes)
        for external_id, attributes, *values in rows
    }


def plain(value: Any) -> Any:
    """The value as JSON has it: a price as a number."""
    return float(value) if isinstance(value, Decimal) else value


def _values(
    names: tuple[str, ...], columns: Mapping[str, Any], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        name: columns[name] if name in columns else attributes.get(name.removeprefix("attributes."))
        for name in names
    }
