"""Importing products: rows to staged products, the best row of each id to the catalog."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.catalog import attributes, upsert, values
from recommender.catalog.catalogs import announce_changes
from recommender.catalog.values import BadValueError
from recommender.importing import mapping
from recommender.importing.converters import AttributeReader, time_reader
from recommender.importing.mapping import Columns
from recommender.importing.progress import Outcomes, Progress
from recommender.importing.row import BadRowError, Values
from recommender.importing.staging import Staging
from recommender.models import Catalog


def _json_urls(value: Any) -> str | None:
    addresses = values.urls(value)
    return orjson.dumps(addresses).decode() if addresses else None


_CONVERTERS: Mapping[str, Callable[[Any], object]] = {
    "id": values.identifier,
    "title": values.text,
    "description": values.text,
    "category": values.path,
    "brand": values.label,
    "price": values.price,
    "currency": values.currency,
    "in_stock": values.stock,
    "image_urls": _json_urls,
    "video_urls": _json_urls,
}

# Of several rows with one id, one with the title that most of them have, and of those the last.
_BEST = sql.SQL("""
SELECT DISTINCT ON (id) * FROM (
    SELECT *, count(*) OVER (PARTITION BY id, title) AS votes FROM {staging} WHERE reason IS NULL
) s ORDER BY id, title IS NOT NULL DESC, votes DESC, line DESC
""")

# Attributes with a column of their own leave the product's others as they are.
_BESIDE_OTHERS = sql.SQL("""
SELECT s.id, {columns} COALESCE(p.attributes, '{{}}') - %(names)s::text[]
    || COALESCE(s.attributes, '{{}}') AS attributes
FROM ({best}) s
LEFT JOIN recommender_product p ON p.catalog_id = {catalog} AND p.external_id = s.id
""")

_STAGED_KINDS = sql.SQL("""
SELECT DISTINCT ON (a.key) a.key,
    CASE jsonb_typeof(a.value) WHEN 'array' THEN 'strings' ELSE jsonb_typeof(a.value) END
FROM {staging} s, jsonb_each(s.attributes) a WHERE s.reason IS NULL ORDER BY a.key, s.line
""")

_PREVIEW = sql.SQL("""
SELECT count(*) FILTER (WHERE p.id IS NULL), count(p.id)
FROM (SELECT DISTINCT id FROM {staging} WHERE reason IS NULL) s
LEFT JOIN recommender_product p
    ON p.catalog_id = {catalog} AND p.external_id = s.id AND p.deleted_at IS NULL
""")


class ProductIntake:
    """Takes in the products of one file."""

    columns: Mapping[str, str] = {"id": "text"} | {
        name: kind for name, (kind, _) in upsert.COLUMNS.items()
    }
    may_reject_later = False

    def __init__(
        self,
        catalog: Catalog,
        given: Mapping[str, str],
        columns: Columns,
        time_format: str | None,
    ) -> None:
        """`given`: columns by field, from --map; `time_format`: as strptime takes it.

        Raises:
            RefusedError: a column is not there, or none gives the id.
        """
        fields = {**mapping.PRODUCT_FIELDS, **mapping.attributes(given, columns)}
        columns_by_field = mapping.resolve(given, columns, fields)
        mapping.require(columns_by_field, "id", columns, "the product's id")
        self._catalog = catalog
        self._columns = columns
        self._shown = {
            field for field, column in columns_by_field.items() if column in columns.names
        }
        self._attributes = AttributeReader(
            columns_by_field, catalog.attributes, is_text=columns.complete
        )
        converters = {**_CONVERTERS, "released_at": time_reader(time_format)}
        self._converters = [
            (field, columns_by_field[field], convert)
            for field, convert in converters.items()
            if field in columns_by_field
        ]

    def convert(self, row: Values) -> Sequence[object]:
        """The product's fields, in the order of `columns`."""
        product: dict[str, object] = dict.fromkeys(self.columns)
        field = column = ""
        try:
            for field, column, convert in self._converters:
                product[field] = convert(row.get(column))
        except BadValueError as exc:
            raise BadRowError(f"{field} {exc}", row.get(column)) from exc
        if product["id"] is None:
            raise BadRowError("id is missing")
        product["attributes"] = self._attributes.read(row)
        return list(product.values())

    def resume(self, staging: Staging) -> None:
        """Learn the types of the attributes that are staged already."""
        for name, kind in database.fetch(_STAGED_KINDS.format(staging=staging.table)):
            self._attributes.kinds.setdefault(name, kind)

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Add and change products in one transaction; what the file does not have stays."""
        progress.say("writing the products")
        with transaction.atomic():
            attributes.declare(self._catalog, self._attributes.kinds)
            columns = self._written(staging)
            source = self._source(staging, columns)
            names = {"names": list(self._attributes.single)}
            written = upsert.upsert_from(self._catalog, source, columns, names)
            if written.added or written.changed:
                announce_changes(self._catalog)
        database.execute("ANALYZE recommender_product")
        products = written.added + written.changed + written.unchanged
        return {
            "products added": written.added,
            "products changed": written.changed,
            "products unchanged": written.unchanged,
            "further rows of these products": staging.good_rows() - products,
        }

    def preview(self, staging: Staging) -> Outcomes:
        """How many products are new, and how many the catalog has."""
        query = _PREVIEW.format(staging=staging.table, catalog=sql.Literal(self._catalog.pk))
        new, known = database.fetch(query)[0]
        return {
            "products would be added": new,
            "products are there already": known,
            "further rows of these products": staging.good_rows() - new - known,
        }

    def _written(self, staging: Staging) -> list[str]:
        """The columns that the file has: in its header, or in any line of JSON."""
        shown = {"attributes" if mapping.is_attribute(field) else field for field in self._shown}
        hidden = [name for name in upsert.COLUMNS if name not in shown]
        if self._columns.complete or not hidden:
            return [name for name in upsert.COLUMNS if name in shown]
        query = sql.SQL("SELECT {} FROM {} WHERE reason IS NULL").format(
            sql.SQL(", ").join(
                sql.SQL("count({}) > 0").format(sql.Identifier(name)) for name in hidden
            ),
            staging.table,
        )
        present = dict(zip(hidden, database.fetch(query)[0], strict=True))
        return [name for name in upsert.COLUMNS if present.get(name, True)]

    def _source(self, staging: Staging, columns: Sequence[str]) -> sql.Composable:
        best = _BEST.format(staging=staging.table)
        if "attributes" not in columns or "attributes" in self._shown:
            return best
        others = [sql.Identifier(name) for name in columns if name != "attributes"]
        return _BESIDE_OTHERS.format(
            columns=sql.SQL("").join(sql.SQL("s.{}, ").format(name) for name in others),
            best=best,
            catalog=sql.Literal(self._catalog.pk),
        )
