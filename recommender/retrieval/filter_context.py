"""Where a filter is asked: in which catalog, at what time, and about which product."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from math import ceil
from typing import Any

from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.history import popularity
from recommender.models import Catalog
from recommender.retrieval.product_fields import FIELDS, NUMBER, TIME, Field

_COLUMNS = [column for _, column in FIELDS.values()]
_READ = (
    sql.SQL(
        "SELECT attributes, {} FROM recommender_product "
        "WHERE catalog_id = %s AND external_id = %s AND deleted_at IS NULL"
    )
    .format(sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
    .as_bytes(None)
)

_STEP = 10  # seconds
_LONG = 2**63


@dataclass(frozen=True)
class FilterContext:
    """What a filter may speak of beside the products that it lets through."""

    catalog: Catalog
    product: str | None = None  # the one that is asked about
    as_of: datetime | None = None

    @cached_property
    def now(self) -> datetime:
        """The time that is asked for; else the catalog's, read once.

        Rounded up to ten seconds: so long the products that pass a filter are remembered, and all
        that ask for them within are to ask for the same.
        """
        if self.as_of is not None:
            return self.as_of
        is_past = self.catalog.clock == Catalog.Clock.LAST_EVENT
        moment = popularity.clock(self.catalog) if is_past else timezone.now()
        return datetime.fromtimestamp(ceil(moment.timestamp() / _STEP) * _STEP, UTC)

    def value(self, field: Field) -> Any:
        """What the product that is asked about has, as JSON has it; None for nothing."""
        columns, attributes = self._values
        if field.is_attribute:
            value = attributes.get(field.name)
            # PostgreSQL gives 1e30 back as an integer, which is too long a one for JSON.
            return float(value) if isinstance(value, int) and abs(value) >= _LONG else value
        value = columns.get(field.name)
        if value is not None and field.kind == TIME:
            return value.isoformat()
        if value is not None and field.kind == NUMBER:
            return float(value)
        # A text that was never given is empty.
        return None if value == "" else value

    @cached_property
    def _values(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Its columns and its attributes: one statement, whatever the filter asks of it."""
        rows = database.fetch(_READ, (self.catalog.pk, self.product))
        if not rows:
            return {}, {}
        attributes, *columns = rows[0]
        return dict(zip(_COLUMNS, columns, strict=True)), attributes
