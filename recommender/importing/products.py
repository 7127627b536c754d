"""Importing products: rows to staged products, the best row of each id to the catalog."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.catalog import attributes, upsert, values
from recommender.catalog.catalogs import announce_changes
from recommender.catalog.values import BadValueError
from recommender.importing import formats, mapping, staged_products
from recommender.importing.converters import (
    AttributeReader,
    currency_of,
    number_reader,
    time_reader,
    words,
)
from recommender.importing.formats import Format, LeftOutError
from recommender.importing.progress import Outcomes, Progress
from recommender.importing.row import BadRowError, Values
from recommender.importing.source import Source
from recommender.importing.staged_products import Replacement
from recommender.importing.staging import Staging
from recommender.importing.survey import NOTHING_SAID, Forms, survey
from recommender.models import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOptions:
    """How rows become products.

    Attributes:
        forms: of times and numbers, as far as they are said.
        category_separator: between the names of a category's path; None for the API's.
        list_separator: between the values of a list in text.
        replacement: of the products that the file does not have; None leaves them alone.
    """

    forms: Forms = NOTHING_SAID
    category_separator: str | None = None
    list_separator: str = "|"
    replacement: Replacement | None = None


def _json_urls(separator: str, value: Any) -> str | None:
    if isinstance(value, str) and separator not in "|, ":
        value = words(value, separator)
    addresses = values.urls(value)
    return orjson.dumps(addresses).decode() if addresses else None


def _converters(forms: Forms, options: ProductOptions) -> Mapping[str, Callable[[Any], object]]:
    number = number_reader(forms.decimal)

    def path(value: Any) -> str | None:
        if options.category_separator is not None:
            value = formats.category(values.text(value), options.category_separator)
        return values.path(value)

    return {
        "id": values.identifier,
        "title": values.text,
        "description": values.text,
        "category": path,
        "brand": values.label,
        "price": lambda value: values.price(number(value)),
        "currency": values.currency,
        "in_stock": values.stock,
        "image_urls": partial(_json_urls, options.list_separator),
        "video_urls": partial(_json_urls, options.list_separator),
        "released_at": time_reader(forms.times),
    }


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
FROM {staging} s, jsonb_each(s.attributes) a WHERE s.reason IS NULL ORDER BY a.key, s.row
""")

_HIDDEN = sql.SQL("""
SELECT hidden, count(*), sum(rows)::bigint FROM (
    SELECT min(hidden) AS hidden, count(*) AS rows FROM {staging} WHERE reason IS NULL
    GROUP BY id HAVING count(hidden) > 0
) h GROUP BY 1 ORDER BY 1
""")

_PREVIEW = sql.SQL("""
SELECT count(*) FILTER (WHERE p.id IS NULL), count(p.id)
FROM ({best}) s
LEFT JOIN recommender_product p
    ON p.catalog_id = {catalog} AND p.external_id = s.id AND p.deleted_at IS NULL
""")


class ProductIntake:
    """Takes in the products of one file."""

    may_reject_later = False

    def __init__(
        self,
        catalog: Catalog,
        given: Mapping[str, str],
        source: Source,
        options: ProductOptions,
    ) -> None:
        """`given`: columns by field, from --map.

        Raises:
            RefusedError: a column is not there, none gives the id, or the forms of the file are
                not clear.
        """
        columns = source.columns
        fields = {**mapping.PRODUCT_FIELDS, **mapping.attributes(given, columns)}
        known = source.format.fields if source.format else None
        reads = mapping.resolve(given, columns, fields, known, each="[]" in given.get("id", ""))
        mapping.require(reads, "id", columns, "the product's id")
        self.source = replace(source, each=mapping.each_of(reads.values()))
        numbers, times = (
            [reads[name]] if name in reads else [] for name in ("price", "released_at")
        )
        forms = survey(self.source, times, numbers, options.forms)
        self.notices: Sequence[str] = forms.notices
        self.mapped: Mapping[str, Sequence[str]] = mapping.shown(reads, columns)
        self.columns: Mapping[str, str] = {
            "id": "text",
            **{name: kind for name, (kind, _) in upsert.COLUMNS.items()},
            "variant": "boolean",
            "hidden": "text",
        }
        self._catalog, self._columns = catalog, columns
        self._format = source.format
        self._shown = set(self.mapped)
        self._attributes = AttributeReader(
            reads, catalog.attributes, columns, options.list_separator
        )
        self._converters = [
            (field, reads[field].value, convert)
            for field, convert in _converters(forms, options).items()
            if field in reads
        ]
        self._read_id = reads["id"].value
        self._replacement = options.replacement
        # A currency may be written beside the price.
        self._beside = None if "currency" in self._shown else reads.get("price")

    def convert(self, row: Values) -> Sequence[object]:
        """The product's fields, in the order of `columns`."""
        product: dict[str, object] = dict.fromkeys(self.columns)
        if self._format:
            self._mark(self._format, row, product)
        field, value = "", None
        try:
            for field, read, convert in self._converters:
                value = None
                value = read(row)
                product[field] = convert(value)
        except BadValueError as exc:
            raise BadRowError(f"{field} {exc}", value) from exc
        if product["id"] is None:
            raise BadRowError("id is missing")
        product["attributes"] = self._attributes.read(row)
        if self._beside and product["price"] is not None:
            product["currency"] = currency_of(self._beside.value(row))
        if reason := upsert.too_large(product):
            raise BadRowError(reason)
        return list(product.values())

    def _mark(self, form: Format, row: Values, product: dict[str, object]) -> None:
        """Leave out what the format does not want: the row, or all rows of its product."""
        reason = form.left_out(row)
        product["variant"] = form.variant is not None and form.variant(row)
        if form.variant is not None and not product["variant"]:
            product["hidden"] = reason
        elif reason:
            raise LeftOutError(reason)

    def salvaged(self, row: Values) -> Sequence[object]:
        """The id alone, where it can be read: the product is not absent from the file."""
        kept: dict[str, object] = dict.fromkeys(self.columns)
        with suppress(BadValueError):
            kept["id"] = values.identifier(self._read_id(row))
        return list(kept.values())

    def begin(self, staging: Staging) -> None:
        """Learn the types of the attributes that are staged already."""
        if self._replacement:
            self._replacement.begin(staging)
        for name, kind in database.fetch(_STAGED_KINDS.format(staging=staging.table)):
            self._attributes.kinds.setdefault(name, kind)

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Add and change products in one transaction; then those go that are to be replaced."""
        progress.say("writing the products")
        with transaction.atomic():
            attributes.declare(self._catalog, self._attributes.kinds)
            columns = self._written(staging)
            source = self._source(staging, columns)
            names = {"names": list(self._attributes.single)}
            written = upsert.upsert_from(self._catalog, source, columns, names)
            if written.added or written.changed:
                announce_changes(self._catalog)
        products = written.added + written.changed + written.unchanged
        outcomes = Outcomes(
            {
                "products added": written.added,
                "products changed": written.changed,
                "products unchanged": written.unchanged,
                **self._others(staging, products),
            }
        )
        if self._replacement:
            progress.say("taking off sale what the file no longer has")
            outcomes = outcomes.then(self._replacement.finish(staging, products))
        database.execute("ANALYZE recommender_product")
        return outcomes

    def preview(self, staging: Staging) -> Outcomes:
        """How many products are new, and how many the catalog has."""
        catalog = sql.Literal(self._catalog.pk)
        best = staged_products.best(staging, self._format)
        new, known = database.fetch(_PREVIEW.format(best=best, catalog=catalog))[0]
        outcomes = Outcomes(
            {
                "products would be added": new,
                "products are there already": known,
                **self._others(staging, new + known),
            }
        )
        if self._replacement is None:
            return outcomes
        return outcomes.then(self._replacement.preview(staging, new + known))

    def _others(self, staging: Staging, products: int) -> Mapping[str, int]:
        """What came of the rows that are not a product's only one."""
        hidden = database.fetch(_HIDDEN.format(staging=staging.table))
        rows = sum(rows for _, _, rows in hidden)
        return {
            "further rows of these products": staging.good_rows() - products - rows,
            **{f"{reason} left out": products for reason, products, _ in hidden},
        }

    def _written(self, staging: Staging) -> list[str]:
        """The columns that the file has: in its header, or in any of its rows."""
        shown = {"attributes" if mapping.is_attribute(field) else field for field in self._shown}
        hidden = [name for name in upsert.COLUMNS if name not in shown]
        if self._columns.complete:
            hidden = ["currency"] if self._beside else []
        if not hidden:
            return [name for name in upsert.COLUMNS if name in shown]
        query = sql.SQL("SELECT {} FROM {} WHERE reason IS NULL").format(
            sql.SQL(", ").join(
                sql.SQL("count({}) > 0").format(sql.Identifier(name)) for name in hidden
            ),
            staging.table,
        )
        present = dict(zip(hidden, database.fetch(query)[0], strict=True))
        return [name for name in upsert.COLUMNS if present.get(name, name in shown)]

    def _source(self, staging: Staging, columns: Sequence[str]) -> sql.Composable:
        best = staged_products.best(staging, self._format)
        if "attributes" not in columns or "attributes" in self._shown:
            return best
        others = [sql.Identifier(name) for name in columns if name != "attributes"]
        return _BESIDE_OTHERS.format(
            columns=sql.SQL("").join(sql.SQL("s.{}, ").format(name) for name in others),
            best=best,
            catalog=sql.Literal(self._catalog.pk),
        )
