"""Importing events: rows to staged events, each with a key that a repeat has too."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.catalog import catalogs, values
from recommender.catalog.values import BadValueError
from recommender.history import aliases, ingest
from recommender.history.ingest import event_refusal
from recommender.history.partitions import ensure_months
from recommender.importing import mapping
from recommender.importing.converters import number_reader, time_reader
from recommender.importing.formats import LeftOutError
from recommender.importing.mapping import Read
from recommender.importing.progress import Outcomes, Progress
from recommender.importing.row import BadRowError, RefusedError, Values
from recommender.importing.source import Source
from recommender.importing.staging import COMMIT_EVERY, Staging
from recommender.importing.survey import NOTHING_SAID, Forms, rating_scale, survey
from recommender.models import Catalog
from recommender.models.catalog import DEFAULT_RATING_SCALE
from recommender.retrieval import tallies

# An event without an id is known by its content, and among the file's equal rows by its number:
# two equal rows are two events, a second run adds none, and of a later file that overlaps only
# what is new comes in. What this hashes must never change, or old events would come again.
_MAKE_KEYED = (
    sql.SQL("DROP TABLE IF EXISTS {keyed}"),
    sql.SQL("""
CREATE {kind} TABLE {keyed} AS
SELECT row, COALESCE(key, md5(ROW({catalog}, "user", product, type,
    extract(epoch FROM at), quantity, value, "order", row_number() OVER (
        PARTITION BY "user", product, type, at, quantity, value, "order" ORDER BY row
    ))::text)::uuid) AS key, "user", product, type, at, quantity, value, rec_id, query
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
AND NOT EXISTS ({merged})
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
        types: types by the words of the file; "" leaves a row out.
        forms: of times and numbers, as far as they are said.
        rating_scale: the worst and the best rating; None keeps the catalog's.
    """

    type: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    forms: Forms = NOTHING_SAID
    rating_scale: tuple[float, float] | None = None


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
        "query": "text",
    }
    may_reject_later = True

    def __init__(
        self,
        catalog: Catalog,
        given: Mapping[str, str],
        source: Source,
        options: EventOptions,
    ) -> None:
        """`given`: columns by field, from --map.

        Raises:
            RefusedError: a column is not there, none gives what an event needs, or the forms of
                the file are not clear.
        """
        form = source.format
        self._catalog = catalog
        self._known_types = frozenset(catalog.event_weights)
        self._type = options.type or (form.type if form else None)
        self._types = dict(form.types if form else {}) | dict(options.types)
        self._check_types(options)
        reads = _resolve(given, source, self._type)
        self.source = replace(source, each=mapping.each_of(reads.values()))
        numbers = [reads[name] for name in ("quantity", "value") if name in reads]
        forms = survey(self.source, [reads["at"]], numbers, options.forms)
        self._rating_scale, said = self._scale(reads.get("value"), reads.get("type"), options)
        self.notices: Sequence[str] = (*forms.notices, *said)
        self.mapped: Mapping[str, Sequence[str]] = mapping.shown(reads, source.columns)
        self._left_out = form.left_out if form else None
        self._converters = [
            (name, reads[name].value, convert)
            for name, convert in _converters(forms).items()
            if name in reads
        ]
        # A line with a negative price is a correction, not a sale.
        if given.get("price"):
            source.columns.require(given["price"], f"--map price={given['price']}")
            number = number_reader(forms.decimal)
            read = mapping.column(given["price"]).value
            self._converters.append(("price", read, lambda value: values.price(number(value))))

    def convert(self, row: Values) -> Sequence[object]:
        """The event's fields, in the order of `columns`."""
        if self._left_out and (reason := self._left_out(row)):
            raise LeftOutError(reason)
        event: dict[str, Any] = dict.fromkeys(self.columns)
        name, value = "", None
        try:
            for name, read, convert in self._converters:
                value = None
                value = read(row)
                event[name] = convert(value)
        except BadValueError as exc:
            raise BadRowError(f"{name} {exc}", value) from exc
        event.pop("price", None)
        event["type"] = self._type_of(event["type"])
        self._check(event)
        if client_id := event.pop("event_id", None):
            event["key"] = ingest.key_of(self._catalog.pk, client_id)
        return list(event.values())

    def _scale(
        self, value: Read | None, event_type: Read | None, options: EventOptions
    ) -> tuple[tuple[float, float], Sequence[str]]:
        """The scale of ratings: as said, as the catalog's was set, or as the file shows it."""
        own = self._catalog.rating_scale
        if options.rating_scale or own != DEFAULT_RATING_SCALE or value is None:
            return options.rating_scale or own, ()

        def rating(row: Values) -> Any:
            word = values.text(event_type.value(row)) if event_type else None
            return value.value(row) if self._known_as(word) == "rating" else None

        found = rating_scale(self.source, Read(value.columns, rating))
        if found is None or found == own:
            return own, ()
        return found, (
            f"Ratings go from {found[0]:g} to {found[1]:g}, which becomes the catalog's scale. "
            "Another: --rating-scale 1-10",
        )

    def _type_of(self, word: str | None) -> str | None:
        event_type = self._known_as(word)
        if word and not event_type:
            raise LeftOutError(f"events of type {word}")
        return event_type

    def _known_as(self, word: str | None) -> str | None:
        """The type that a word of the file stands for, "" where such rows are left out."""
        return self._types.get(word.lower(), word) if word else self._type

    def _check_types(self, options: EventOptions) -> None:
        said = [("--type", options.type)] if options.type else []
        said += [("--types", name) for name in options.types.values() if name]
        for option, name in said:
            if name not in self._known_types:
                known = ", ".join(sorted(self._known_types))
                raise RefusedError(f"{option} {name}: no such type. Types: {known}.")

    def salvaged(self, row: Values) -> Sequence[object]:  # noqa: ARG002 - products need it
        """Nothing."""
        return [None] * len(self.columns)

    def begin(self, staging: Staging) -> None:
        """Products that were unknown may have come since an earlier run."""
        statement = sql.SQL("UPDATE {} SET reason = NULL WHERE reason = %s")
        database.execute(statement.format(staging.table), (ingest.UNKNOWN_PRODUCT,))

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Store what is new, chunk by chunk, and count anew what the catalog's users did."""
        if self._rating_scale != self._catalog.rating_scale:
            catalogs.change_catalog(self._catalog, rating_scale=self._rating_scale)
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
        tallies.refresh(self._catalog)
        return Outcomes(
            {
                "events accepted": counts[ingest.ACCEPTED],
                "events there already": counts[ingest.DUPLICATE],
            }
        )

    def preview(self, staging: Staging) -> Outcomes:
        """How many events are new; marks the rows whose product is unknown."""
        own = sql.Literal(self._catalog.pk)
        merged = aliases.MERGED.format(catalog=own, name=sql.SQL("s.product"))
        unknown = _MARK_UNKNOWN.format(staging=staging.table, catalog=own, merged=merged)
        database.execute(unknown, (ingest.UNKNOWN_PRODUCT,))
        self._make_keyed(staging)
        new, every = database.fetch(_PREVIEW.format(keyed=staging.keyed))[0]
        counts = {"events would be accepted": new, "events are there already": every - new}
        return Outcomes(counts)

    def _check(self, event: Mapping[str, Any]) -> None:
        """Raises BadRowError where something is missing or cannot be."""
        fields = ("type", "user", "product", "at", "quantity", "value")
        refused = event_refusal(
            self._known_types,
            **{field: event[field] for field in fields},
            rating_scale=self._rating_scale,
        )
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


def _resolve(given: Mapping[str, str], source: Source, common_type: str | None) -> dict[str, Read]:
    """How fields are read. A mapped `id` is the event's, unless it is the product's column."""
    own, fields, columns = dict(given), dict(mapping.EVENT_FIELDS), source.columns
    if "id" in own and own["id"] != own.get("product", "product"):
        own.setdefault("event_id", own["id"])
    if common_type is not None and "type" not in given:
        del fields["type"]
    known = source.format.fields if source.format else None
    reads = mapping.resolve(own, columns, fields, known, each=True)
    mapping.require(reads, "user", columns, "the user")
    mapping.require(reads, "product", columns, "the product")
    mapping.require(reads, "at", columns, "the time of the event")
    if common_type is None and not mapping.is_shown(reads.get("type"), columns):
        raise RefusedError(
            "Nothing gives the type of the events. Say which column does: --map type=COLUMN, "
            f"or give all of them one: --type purchase. {columns.listing()}"
        )
    return reads


def _converters(forms: Forms) -> dict[str, Callable[[Any], object]]:
    number = number_reader(forms.decimal)
    ids = ("event_id", "user", "product", "type", "order")
    return {
        **dict.fromkeys(ids, values.identifier),
        "at": time_reader(forms.times),
        "quantity": number,
        "value": number,
        "rec_id": values.uuid,
        "query": values.label,
    }
