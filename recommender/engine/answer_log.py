"""What lists have shown, for an hour, so that a list can go on where it ended.

No request waits for that: a process collects what it answers, and a thread writes it five times a
second, by COPY. An id tells when its answer was made, and so in which of a few tables it is; a
table all of whose answers are old is emptied at once. The tables are unlogged: a crash of the
server loses what was shown, and no more than that. The same thread writes the recommendation log,
which lasts.
"""

import atexit
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock, Semaphore, Thread
from uuid import UUID

import orjson
import structlog
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from recommender import database
from recommender.engine import recommendation_log
from recommender.engine.recommendation_log import Entry

log = structlog.get_logger()

KEPT = timedelta(hours=1)
# Answers of a quarter of an hour share a table; of six in turn, the next one is to be emptied.
_SLOT_SECONDS, SLOTS = 900, 6
# What they may take on disk together; beyond it the oldest go before their hour.
_MOST_BYTES = 2 << 30
# Of a process: answers that wait to be written, some 20 MB, and how long they do.
_MOST_WAITING, _WRITE_SECONDS = 10_000, 0.2
# How long the answer of another process may be on its way; one request at a time waits for that.
_LATE_SECONDS = 0.3
_one_waits = Semaphore()
# A request with a picture in it is not kept: its list does not go on.
_MOST_REQUEST = 64 << 10

_COPY = sql.SQL("COPY {} (rec_id, catalog_id, told) FROM STDIN")
_FIND = sql.SQL("SELECT told FROM {} WHERE rec_id = %s AND catalog_id = %s")
# Rows of (slot, bytes) of the tables that hold anything.
_SIZES = """
SELECT slot, pg_total_relation_size(format('recommender_listedanswer_%%s', slot)::regclass)
FROM generate_series(0, %s) AS slot
WHERE pg_relation_size(format('recommender_listedanswer_%%s', slot)::regclass) > 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAnswer:
    """A page of a list: what was asked, and what was shown and would come next."""

    rec_id: UUID
    catalog_id: int
    operation: str
    subject: str  # what the address named
    request: Callable[[], str]  # as JSON
    is_vouched: bool  # whether it is a user's own, of whom somebody vouched
    shown: tuple[int, ...] = ()  # keys of the products of the pages before
    items: tuple[str, ...]  # ids of the products of this page
    tail: tuple[int, ...]  # keys


def new_id(at: datetime | None = None) -> UUID:
    """An id that tells when it was made, now or at another time: version 7 of RFC 9562."""
    drawn = int.from_bytes(os.urandom(10))
    milliseconds = time.time_ns() // 1_000_000 if at is None else round(at.timestamp() * 1000)
    number = milliseconds << 80 | drawn & ~(0xF << 76 | 0x3 << 62)
    return UUID(int=number | 0x7 << 76 | 0x2 << 62)


def _made_at(rec_id: UUID) -> float:
    """Seconds since 1970."""
    return (rec_id.int >> 80) / 1000


def _table(slot: int) -> sql.Identifier:
    return sql.Identifier(f"recommender_listedanswer_{slot}")


def _slot_of(seconds: float) -> int:
    return int(seconds // _SLOT_SECONDS) % SLOTS


class Writer:
    """Answers on their way to the tables; the oldest are dropped where too many wait."""

    def __init__(self, most: int = _MOST_WAITING) -> None:
        self._most = most
        self._lock, self._wake = Lock(), Event()
        self._waiting: dict[UUID, ListedAnswer] = {}
        self._written: dict[UUID, ListedAnswer] = {}  # just now
        self._dropped = 0
        self._entries: list[Entry] = []
        self._lost = 0  # of those

    def start(self) -> None:
        """Write from now on, until the process ends."""
        Thread(target=self._write_on, name="answer log", daemon=True).start()
        atexit.register(self.flush)

    def add(self, answer: ListedAnswer) -> None:
        """Have it written soon."""
        with self._lock:
            if len(self._waiting) >= self._most:
                del self._waiting[next(iter(self._waiting))]
                self._dropped += 1
            self._waiting[answer.rec_id] = answer
        if not self._wake.is_set():
            self._wake.set()

    def log(self, entry: Entry | None) -> None:
        """Have it in the recommendation log soon; nothing for none."""
        if entry is None:
            return
        with self._lock:
            if len(self._entries) < self._most:
                self._entries.append(entry)
            else:
                self._lost += 1
        if not self._wake.is_set():
            self._wake.set()

    def find(self, rec_id: UUID) -> ListedAnswer | None:
        """One that waits, or is being written."""
        with self._lock:
            return self._waiting.get(rec_id) or self._written.get(rec_id)

    def flush(self) -> None:
        """Write all that waits; what the database refuses is lost, and said."""
        with self._lock:
            self._written, self._waiting = self._waiting, {}
            dropped, self._dropped = self._dropped, 0
        try:
            _write(self._written.values())
        except DatabaseError as exc:
            dropped += len(self._written)
            log.warning("answers cannot be kept", error=str(exc).strip())
            connection.close()
        if dropped:
            log.warning("answers dropped", number=dropped)
        self._flush_log()

    def _flush_log(self) -> None:
        """Write the log; what is lost is counted once the database takes it."""
        with self._lock:
            entries, self._entries = self._entries, []
            lost, self._lost = self._lost, 0
        try:
            recommendation_log.write(entries)
            entries = []
            if lost:
                recommendation_log.count_lost(lost)
                log.warning("answers are missing in the recommendation log", number=lost)
        except DatabaseError as exc:
            log.warning("the recommendation log cannot be written", error=str(exc).strip())
            connection.close()
            with self._lock:
                self._lost += lost + len(entries)

    def _write_on(self) -> None:
        while self._wake.wait():
            time.sleep(_WRITE_SECONDS)
            self._wake.clear()
            self.flush()


writer = Writer()


def _write(answers: Iterable[ListedAnswer]) -> None:
    by_slot: dict[int, list[ListedAnswer]] = {}
    for answer in answers:
        by_slot.setdefault(_slot_of(_made_at(answer.rec_id)), []).append(answer)
    for slot, of_slot in by_slot.items():
        with database.copy(_COPY.format(_table(slot))) as stream:
            stream.write(b"".join(map(_line, of_slot)))


def _line(answer: ListedAnswer) -> bytes:
    """A line of COPY, or none. psycopg's own rows take ten times as long as one JSON text."""
    request = answer.request()
    if len(request) > _MOST_REQUEST:
        return b""
    told = database.copy_json(
        {
            "operation": answer.operation,
            "subject": answer.subject,
            "request": request,
            "is_vouched": answer.is_vouched,
            "shown": answer.shown,
            "items": answer.items,
            "tail": answer.tail,
        }
    )
    return b"%b\t%d\t%b\n" % (str(answer.rec_id).encode(), answer.catalog_id, told)


def find(catalog_id: int, rec_id: UUID) -> ListedAnswer | None:
    """The answer of this id; None where the catalog has made none within the hour.

    One that was made just now by another process may not be written yet, and is waited for.
    """
    age = time.time() - _made_at(rec_id)
    if not -1 <= age <= KEPT.total_seconds():
        return None
    waiting = writer.find(rec_id)
    if waiting is not None:
        return waiting if waiting.catalog_id == catalog_id else None
    found = _read(catalog_id, rec_id)
    if found is None and age < 2 * _LATE_SECONDS and _one_waits.acquire(blocking=False):
        try:
            time.sleep(_LATE_SECONDS)
        finally:
            _one_waits.release()
        found = _read(catalog_id, rec_id)
    return found


def _read(catalog_id: int, rec_id: UUID) -> ListedAnswer | None:
    table = _table(_slot_of(_made_at(rec_id)))
    for (text,) in database.fetch(_FIND.format(table), (rec_id, catalog_id)):
        told = orjson.loads(text)
        return ListedAnswer(
            rec_id=rec_id,
            catalog_id=catalog_id,
            operation=told["operation"],
            subject=told["subject"],
            request=partial(str, told["request"]),
            is_vouched=told["is_vouched"],
            shown=tuple(told["shown"]),
            items=tuple(told["items"]),
            tail=tuple(told["tail"]),
        )
    return None


def prune(now: datetime | None = None) -> list[int]:
    """Empty the tables of old answers, and where they are too large the oldest of others.

    Returns:
        The slots of the tables that were emptied.
    """
    current = _slot_of((now or datetime.now(UTC)).timestamp())
    sizes = dict(database.fetch(_SIZES, (SLOTS - 1,)))
    emptied: list[int] = []
    # After the present one in the ring comes the oldest.
    for slot in ((current + step) % SLOTS for step in range(1, SLOTS)):
        is_old = slot == (current + 1) % SLOTS
        if slot in sizes and (is_old or sum(sizes.values()) > _MOST_BYTES):
            _empty(slot)
            del sizes[slot]
            emptied.append(slot)
    return emptied


def _empty(slot: int) -> None:
    with transaction.atomic():
        # Whoever reads or writes it is not made to wait behind this.
        database.execute("SET LOCAL lock_timeout = '500ms'")
        database.execute(sql.SQL("TRUNCATE {}").format(_table(slot)))
