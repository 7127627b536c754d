"""Writing products: one statement for one product or for a million staged rows."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

import orjson
from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.history import aliases
from recommender.models import Catalog

# What a writer may set: the column, its type on the way in, and its value where none is given.
COLUMNS: dict[str, tuple[str, str]] = {
    "title": ("text", "''"),
    "description": ("text", "''"),
    "category": ("text", "''"),
    "brand": ("text", "''"),
    "price": ("numeric", "NULL"),
    "currency": ("text", "''"),
    "in_stock": ("boolean", "true"),
    "image_urls": ("jsonb", "'[]'::jsonb"),
    "video_urls": ("jsonb", "'[]'::jsonb"),
    "attributes": ("jsonb", "'{}'::jsonb"),
    "released_at": ("timestamptz", "NULL"),
}

_UPSERT = sql.SQL("""
WITH source AS ({source}), written AS (
    INSERT INTO recommender_product AS p
        (catalog_id, external_id, {columns}, created_at, updated_at)
    SELECT {catalog}, s.id, {values}, now(), now() FROM source s ORDER BY s.id
    ON CONFLICT (catalog_id, external_id) DO UPDATE
        SET {assignments} deleted_at = CASE WHEN {merged} THEN p.deleted_at END, updated_at = now()
        WHERE (p.deleted_at IS NOT NULL AND NOT {merged})
            OR (p.external_id{current}) IS DISTINCT FROM (excluded.external_id{incoming})
    RETURNING p.external_id AS id, p.xmax = 0 AS added
)
{told}
""")
_COUNTS = sql.SQL("""
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added),
    (SELECT count(*) FROM source) - count(*)
FROM written
""")
_EACH = sql.SQL("SELECT id, added FROM written")

ADDED, CHANGED, UNCHANGED = "added", "changed", "unchanged"

# Locked in the order in which products are written, so that nobody waits for one another.
_OFF_SALE = sql.SQL("""
UPDATE recommender_product AS product SET deleted_at = now(), updated_at = now()
FROM (
    SELECT p.id FROM recommender_product p WHERE p.deleted_at IS NULL AND {condition}
    ORDER BY p.external_id COLLATE "default" FOR NO KEY UPDATE
) gone WHERE product.id = gone.id
""")


def too_large(product: Mapping[str, Any]) -> str | None:
    """Why a product cannot be taken for the bytes of its fields, of JSON for those that are no
    text; None where it can."""
    sizes = (
        len(value.encode() if isinstance(value, str) else orjson.dumps(value))
        for value in product.values()
    )
    if sum(sizes) <= settings.PRODUCT_BYTES:
        return None
    return (
        f"the product has more than {settings.PRODUCT_BYTES // 1024:,} KB; shorten its texts, "
        "addresses or attributes, or raise KINSHIP_PRODUCT_KB"
    )


@dataclass(frozen=True, slots=True)
class Written:
    """How many products an upsert added, changed, and found as they should be."""

    added: int
    changed: int
    unchanged: int

    @classmethod
    def of(cls, outcomes: Iterable[str]) -> "Written":
        """The counts of what became of each product."""
        counts = Counter(outcomes)
        return cls(counts[ADDED], counts[CHANGED], counts[UNCHANGED])


def upsert(
    catalog: Catalog, products: Sequence[Mapping[str, Any]], columns: Collection[str] | None = None
) -> Written:
    """Add or replace products, as `upsert_each` does, and count them."""
    return Written.of(upsert_each(catalog, products, columns).values())


def upsert_each(
    catalog: Catalog, products: Sequence[Mapping[str, Any]], columns: Collection[str] | None = None
) -> dict[str, str]:
    """Add or replace products; of two with one id the later wins.

    One that was merged into another is written, too, and stays out of lists.

    Args:
        products: JSON-ready mappings with `id` and any of COLUMNS.
        columns: what is written; the others keep their values. By default all of them, so that
            what a product does not have is cleared.

    Returns:
        Of each id ADDED, CHANGED or UNCHANGED.
    """
    latest = {product["id"]: product for product in products}
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, (kind, _) in COLUMNS.items()
    )
    source = sql.SQL(
        "SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id text, {fields})"
    ).format(fields=fields)
    rows = orjson.dumps(list(latest.values())).decode()
    wanted = COLUMNS if columns is None else columns
    written = database.fetch(_statement(catalog, source, wanted, _EACH), {"rows": rows})
    outcomes = {key: ADDED if added else CHANGED for key, added in written}
    return {key: outcomes.get(key, UNCHANGED) for key in latest}


def upsert_from(
    catalog: Catalog,
    source: sql.Composable,
    columns: Collection[str],
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> Written:
    """Add or replace products from a SELECT of `id` and `columns`, one row an id.

    Args:
        source: the SELECT; its columns have the types of COLUMNS.
        columns: names of COLUMNS; with none, only what is missing is added.
        parameters: of the source.
    """
    return Written(*database.fetch(_statement(catalog, source, columns, _COUNTS), parameters)[0])


def _statement(
    catalog: Catalog, source: sql.Composable, columns: Collection[str], told: sql.SQL
) -> sql.Composed:
    wanted = [name for name in COLUMNS if name in columns]
    names = [sql.Identifier(name) for name in wanted]
    comma = sql.SQL(", ")
    return _UPSERT.format(
        catalog=sql.Literal(catalog.pk),
        merged=aliases.IS_MERGED,
        columns=comma.join([*names, *_absent(wanted, "name")]),
        values=comma.join(
            [
                *(
                    sql.SQL("COALESCE(s.{}, {})").format(sql.Identifier(n), sql.SQL(COLUMNS[n][1]))
                    for n in wanted
                ),
                *_absent(wanted, "default"),
            ]
        ),
        source=source,
        assignments=_each("{0} = excluded.{0}, ", names),
        current=_each(", p.{}", names),
        incoming=_each(", excluded.{}", names),
        told=told,
    )


def take_off_sale(
    condition: sql.Composable, parameters: Mapping[str, object] = MappingProxyType({})
) -> int:
    """Recommend products no more, and keep their history; writing one brings it back.

    Args:
        condition: on the product `p`.
        parameters: of the condition.

    Returns:
        How many they were.
    """
    return database.execute(_OFF_SALE.format(condition=condition), parameters)


def _each(form: LiteralString, names: Sequence[sql.Identifier]) -> sql.Composable:
    return sql.SQL("").join(sql.SQL(form).format(name) for name in names)


def _absent(wanted: Collection[str], part: str) -> list[sql.Composable]:
    """The columns that are not written, or the defaults a new product gets for them."""
    absent = [name for name in COLUMNS if name not in wanted]
    if part == "name":
        return [sql.Identifier(name) for name in absent]
    return [sql.SQL(COLUMNS[name][1]) for name in absent]
