"""Importing events: rows to staged events, each with a key that a repeat has too."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.catalog import values
from recommender.catalog.values import BadValueError
from recommender.history import ingest, popularity
from recommender.history.ingest import ensure_months, event_refusal
from recommender.importing import mapping
from recommender.importing.converters import time_reader
from recommender.importing.mapping import Columns
from recommender.importing.progress import Outcomes, Progress
from recommender.importing.row import BadRowError, RefusedError, Values
from recommender.importing.staging import COMMIT_EVERY, Staging
from recommender.models import Catalog

# An event without an id is known by its content, and among the file's equal rows by its number:
# two equal rows are two events, a second run adds none, and of a later file that overlaps only
# what is new comes in. What this hashes must never change, or old events would come again.
_MAKE_KEYED = (
    sql.SQL("DROP TABLE IF EXISTS {keyed}"),
    sql.SQL("""
CREATE {kind} TABLE {keyed} AS
SELECT line AS row, COALESCE(key, md5(ROW({catalog}, "user", product, type,
    extract(epoch FROM at), quantity, value, "order", row_number() OVER (
        PARTITION BY "user", product, type, at, quantity, value, "order" ORDER BY line
    ))::text)::uuid) AS key, "user", product, type, at, quantity, value, rec_id
FROM {staging} WHERE reason IS NULL
"""),
    sql.SQL("CREATE UNIQUE INDEX ON {keyed} (row)"),
    sql.SQL("ANALYZE {keyed}"),
)

_CHUNK = sql.SQL("SELECT * FROM {keyed} WHERE row > {after} ORDER BY row LIMIT {limit}")

_MONTHS = sql.SQL("SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') FROM {keyed}")

_MARK_UNKNOWN = sql.SQL("""
UPDATE {staging} s SET reason = %s WHERE reason IS NULL AND product IS NOT NULL
AND NOT EXISTS (SELECT FROM recommender_product p WHERE p.catalog_id = {catalog}
    AND p.external_id = s.product AND p.deleted_at IS NULL)
""")

_PREVIEW = sql.SQL("""
SELECT count(DISTINCT k.key) FILTER (WHERE e.id IS NULL), count(*)
FROM {keyed} k LEFT JOIN recommender_eventkey e ON e.id = k.key
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOptions:
    """How rows become events.

    Attributes:
        type: the type of a row that has none of its own.
        time_format: of times, as strptime takes it; None for ISO 8601 and Unix time.
    """

    type: str | None = None
    time_format: str | None = None


class EventIntake:
    """Takes in the events of one file."""

    columns: Mapping[str, str] = {
        "key": "uuid",
        "user": "text",
        "product": "text",
        "type": "text",
        "at": "timestamptz",
        "quantity": "double precision",
        "value": "double precision",
        "order": "text",
        "rec_id": "uuid",
    }
    may_reject_later = True

    def __init__(
        self,
        catalog: Catalog,
        given: Mapping[str, str],
        columns: Columns,
        options: EventOptions,
    ) -> None:
        """`given`: columns by field, from --map.

        Raises:
            RefusedError: a column is not there, or none gives what an event needs.
        """
        self._catalog = catalog
        self._types = frozenset(catalog.event_weights)
        self._type = options.type
        if options.type is not None and options.type not in self._types:
            known = ", ".join(sorted(self._types))
            raise RefusedError(f"--type {options.type}: no such type. Types: {known}.")
        columns_by_field = _resolve(given, columns, options)
        self._converters = [
            (field, columns_by_field[field], convert)
            for field, convert in _converters(options).items()
            if field in columns_by_field
        ]
        # A line with a negative price is a correction, not a sale.
        self._price = given.get("price")
        if self._price is not None:
            columns.require(self._price, f"--map price={self._price}")

    def convert(self, row: Values) -> Sequence[object]:
        """The event's fields, in the order of `columns`."""
        event: dict[str, Any] = dict.fromkeys(self.columns)
        field = column = ""
        try:
            for field, column, convert in self._converters:
                event[field] = convert(row.get(column))
            if self._price is not None:
                field, column = "price", self._price
                values.price(row.get(column))
        except BadValueError as exc:
            raise BadRowError(f"{field} {exc}", row.get(column)) from exc
        event["type"] = event["type"] or self._type
        self._check(event)
        if client_id := event.pop("event_id", None):
            event["key"] = ingest.key_of(self._catalog.pk, client_id)
        return list(event.values())

    def resume(self, staging: Staging) -> None:
        """Products that were unknown may have come since."""
        statement = sql.SQL("UPDATE {} SET reason = NULL WHERE reason = %s")
        database.execute(statement.format(staging.table), (ingest.UNKNOWN_PRODUCT,))

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Store what is new, chunk by chunk, and count the catalog's popularity anew."""
        progress.say("telling new events from old")
        self._make_keyed(staging)
        ensure_months(
            month.replace(tzinfo=UTC)
            for (month,) in database.fetch(_MONTHS.format(keyed=staging.keyed))
        )
        counts: Counter[str] = Counter()
        last_row = 0
        while outcomes := self._ingest(staging, last_row):
            last_row = outcomes[-1][0]
            counts.update(outcome for _, outcome in outcomes)
            progress.say(f"{counts.total():,} events written")
        progress.say("counting what is popular")
        database.execute("ANALYZE recommender_event, recommender_eventkey, recommender_user")
        popularity.refresh(self._catalog)
        return {
            "events accepted": counts[ingest.ACCEPTED],
            "events there already": counts[ingest.DUPLICATE],
        }

    def preview(self, staging: Staging) -> Outcomes:
        """How many events are new; marks the rows whose product is unknown."""
        unknown = _MARK_UNKNOWN.format(staging=staging.table, catalog=sql.Literal(self._catalog.pk))
        database.execute(unknown, (ingest.UNKNOWN_PRODUCT,))
        self._make_keyed(staging)
        new, every = database.fetch(_PREVIEW.format(keyed=staging.keyed))[0]
        return {"events would be accepted": new, "events are there already": every - new}

    def _check(self, event: Mapping[str, Any]) -> None:
        """Raises BadRowError where something is missing or cannot be."""
        fields = ("type", "user", "product", "at", "quantity", "value")
        refused = event_refusal(self._types, **{field: event[field] for field in fields})
        if refused is not None:
            raise BadRowError(" ".join(refused), event[refused[0]] or "")

    def _make_keyed(self, staging: Staging) -> None:
        names = {"keyed": staging.keyed, "staging": staging.table}
        for statement in _MAKE_KEYED:
            database.execute(
                statement.format(kind=staging.kind, catalog=sql.Literal(self._catalog.pk), **names)
            )

    def _ingest(self, staging: Staging, last_row: int) -> list[tuple[int, str]]:
        """The outcomes of the next rows, in order."""
        chunk = _CHUNK.format(
            keyed=staging.keyed, after=sql.Literal(last_row), limit=sql.Literal(COMMIT_EVERY)
        )
        with transaction.atomic():
            outcomes = ingest.ingest_from(self._catalog, chunk)
            unknown = [row for row, outcome in outcomes if outcome == ingest.UNKNOWN_PRODUCT]
            if unknown:
                staging.reject(unknown, ingest.UNKNOWN_PRODUCT)
        return outcomes


def _resolve(given: Mapping[str, str], columns: Columns, options: EventOptions) -> dict[str, str]:
    """The columns by field. A mapped `id` is the event's, unless it is the product's column."""
    own, fields = dict(given), dict(mapping.EVENT_FIELDS)
    if "id" in own and own["id"] != own.get("product", "product"):
        own.setdefault("event_id", own["id"])
    if options.type is not None and "type" not in given:
        del fields["type"]
    columns_by_field = mapping.resolve(own, columns, fields)
    mapping.require(columns_by_field, "user", columns, "the user")
    mapping.require(columns_by_field, "product", columns, "the product")
    mapping.require(columns_by_field, "at", columns, "the time of the event")
    if options.type is None and columns_by_field.get("type") not in columns.names:
        raise RefusedError(
            "Nothing gives the type of the events. Say which column does: --map type=COLUMN, "
            f"or give all of them one: --type purchase. {columns.listing()}"
        )
    return columns_by_field


def _converters(options: EventOptions) -> dict[str, Callable[[Any], object]]:
    return {
        "event_id": values.identifier,
        "user": values.identifier,
        "product": values.identifier,
        "type": values.identifier,
        "at": time_reader(options.time_format),
        "quantity": values.number,
        "value": values.number,
        "order": values.identifier,
        "rec_id": values.uuid,
    }
