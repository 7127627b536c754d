"""The recommendation log: what lists have shown, for months, by whom effect is measured.

`answer_log` writes it in its own thread, together with what it keeps for an hour. A table a day, so
that a day is dropped at once. An id tells when its answer was made: whoever has a `rec_id` looks in
one table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from recommender import database
from recommender.history.partitions import drop_logged, ensure_days, logged_days

if TYPE_CHECKING:
    # The server imports the writer before there are models.
    from recommender.engine.answer import Answer
    from recommender.models import Catalog

_COPY = """
COPY recommender_recommendation (rec_id, at, catalog_id, operation, placement, placement_version,
                                 variant, "user", items, spaces, ranker) FROM STDIN
"""
_COUNT_LOST = """
INSERT INTO recommender_lostanswers AS l (day, number) VALUES ((now() AT TIME ZONE 'UTC')::date, %s)
ON CONFLICT (day) DO UPDATE SET number = l.number + excluded.number
"""
_FORGET = "DELETE FROM recommender_recommendation WHERE catalog_id = %s AND at < %s"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of an id's bits those that are drawn, not told by the clock.
_DRAWN = 1 << 32

Shown = tuple[str, str, float, float]  # id, source, score, propensity


@dataclass(frozen=True, slots=True)
class Placed:
    """The placement that a list is of, and which version and variant of it answered."""

    name: str | None = None
    version: int | None = None  # None: the draft, where there is a name
    variant: str | None = None


NOWHERE = Placed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the log holds of an answer."""

    rec_id: UUID
    catalog_id: int
    operation: str
    placed: Placed
    user: str | None
    items: Sequence[Shown]
    spaces: Sequence[str]
    ranker: int | None


def entry(
    catalog: "Catalog",
    rec_id: UUID,
    operation: str,
    answer: "Answer",
    *,
    count: int,
    user: str | None,
    placed: Placed = NOWHERE,
) -> Entry | None:
    """What to log of an answer; None where the catalog's share leaves it out.

    Args:
        count: how many of its items were shown.
        user: whom it was made for, where that is known.
    """
    if rec_id.int % _DRAWN >= catalog.log_share * _DRAWN:
        return None
    return Entry(
        rec_id=rec_id,
        catalog_id=catalog.pk,
        operation=operation,
        placed=placed,
        user=user,
        items=[
            (item.id, item.source, item.score, 1.0 if item.propensity is None else item.propensity)
            for item in answer.items[:count]
        ],
        spaces=answer.spaces,
        ranker=answer.ranker,
    )


def made_at(rec_id: UUID) -> datetime:
    """When the answer of this id was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=rec_id.int >> 80)


def write(entries: Sequence[Entry]) -> None:
    """Add to the log, by COPY."""
    if not entries:
        return
    ensure_days({made_at(entry.rec_id).date() for entry in entries})
    with database.copy(_COPY) as stream:
        stream.write(b"".join(map(_line, entries)))


def count_lost(number: int) -> None:
    """Add to the number of today's answers that the log does not have."""
    database.execute(_COUNT_LOST, (number,))


def _line(entry: Entry) -> bytes:
    placed = entry.placed
    columns = (
        str(entry.rec_id),
        made_at(entry.rec_id).isoformat(),
        str(entry.catalog_id),
        *map(_text, (entry.operation, placed.name)),
        "\\N" if placed.version is None else str(placed.version),
        *map(_text, (placed.variant, entry.user)),
        *(database.copy_json(told).decode() for told in (entry.items, entry.spaces)),
        "\\N" if entry.ranker is None else str(entry.ranker),
    )
    return "\t".join(columns).encode() + b"\n"


def _text(text: str | None) -> str:
    """As COPY takes it."""
    if text is None:
        return "\\N"
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


def purge(now: datetime | None = None) -> int:
    """Forget what is older than the catalogs keep, and make tomorrow's table.

    Returns:
        The number of days that are dropped whole; of others the catalogs' own answers go.
    """
    today = (now or datetime.now(UTC)).date()
    kept = dict(database.fetch("SELECT id, log_days FROM recommender_catalog"))
    longest = max(kept.values(), default=0)
    old = [day for day in logged_days() if day < today - timedelta(days=longest)]
    for day in old:
        drop_logged(day)
    for catalog, days in kept.items():
        if days < longest:
            database.execute(_FORGET, (catalog, today - timedelta(days=days)))
    ensure_days({today, today + timedelta(days=1)})
    return len(old)
