"""Everything that is held about a user, page by page: a user may have any number of events.

A page is read in the order of PARTS, each by its own key, so that no statement reads more than is
asked for. `tests/recommender/rights/test_holdings.py` finds every column that names a user, and
fails where this does not have what it holds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import sql

from recommender import database
from recommender.effect import experiments
from recommender.engine.answer import Query
from recommender.engine.segments import segments
from recommender.models import Catalog, User

MOST_ROWS, USUAL_ROWS = 10_000, 1_000
# After so many bytes a page ends, whatever was asked for.
_MOST_BYTES = 8 * 1024 * 1024
_CHUNK = 500
_MOST_SEGMENTS = 10
_SEGMENTED_BY = ("brand", "category")

Position = tuple[str, ...]


class UnknownUserError(LookupError):
    """Nothing is held about a user of this id."""


class CursorError(ValueError):
    """A place in an export that there is not."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a column of a key is: its SQL type, a value before all others, and how it is read."""

    type: str
    first: str
    read: Callable[[str], object]


_TIME = _Kind("timestamptz", "-infinity", datetime.fromisoformat)
_UUID = _Kind("uuid", str(UUID(int=0)), UUID)
_KEY = _Kind("bigint", "0", lambda text: int(text).to_bytes(8))
_SMALL = _Kind("smallint", "-1", lambda text: int(text).to_bytes(2, signed=True))
_TEXT = _Kind("text", "", str)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one kind: (position, document), in the order of their positions."""

    name: str
    key: tuple[_Kind, ...]
    rows: sql.Composed

    @property
    def first(self) -> Position:
        """Before all of them."""
        return tuple(kind.first for kind in self.key)

    def check(self, position: Position) -> None:
        """Raises ValueError or OverflowError where it is no position."""
        for kind, text in zip(self.key, position, strict=True):
            if text != kind.first:
                kind.read(text)


def _part(name: str, key: Mapping[str, _Kind], columns: str, source: str) -> _Part:
    """A part whose rows come by an index.

    Args:
        key: what each of its columns is.
        columns: what a row tells, as json_build_object takes it.
        source: FROM and WHERE.
    """
    places = sql.SQL(", ").join(
        sql.SQL("(%(after)s::text[])[{}]::{}").format(sql.Literal(place), sql.SQL(kind.type))
        for place, kind in enumerate(key.values(), start=1)
    )
    order = sql.SQL(", ".join(key))
    rows = sql.SQL("""
SELECT ARRAY[{texts}]::text[], json_build_object({columns})::text
FROM {source} AND ({order}) > ({places}) ORDER BY {order} LIMIT %(limit)s
""").format(
        texts=sql.SQL(", ".join(f"{column}::text" for column in key)),
        columns=sql.SQL(columns),
        source=sql.SQL(source),
        order=order,
        places=places,
    )
    return _Part(name, tuple(key.values()), rows)


PARTS = (
    _part(
        "merges",
        {"m.id": _KEY},
        "'user', m.\"user\", 'visitor', m.visitor, 'at', m.at",
        """recommender_usermerge m
        WHERE m.catalog_id = %(catalog)s AND (m."user" = %(id)s OR m.visitor = %(id)s)""",
    ),
    _part(
        "profiles",
        {"v.space_id": _KEY, "v.kind": _TEXT, "v.position": _SMALL},
        "'space', s.name || '@' || s.version, 'kind', v.kind, 'position', v.position, "
        "'weight', v.weight, 'product', p.external_id, 'vector', v.embedding::real[]",
        """recommender_profilevector v JOIN recommender_space s ON s.id = v.space_id
        LEFT JOIN recommender_product p ON p.id = v.product_id
        WHERE s.catalog_id = %(catalog)s AND v.user_id = %(user)s""",
    ),
    _part(
        "findings",
        {"f.id": _KEY},
        "'insight', r.kind, 'at', r.created_at, 'group', f.\"group\", 'score', f.score, "
        "'data', f.data",
        """recommender_insightfinding f JOIN recommender_insightrun r ON r.id = f.run_id
        WHERE f.user_id = %(user)s""",
    ),
    _part(
        "events",
        {"e.at": _TIME, "e.id": _UUID},
        "'id', e.id, 'type', e.type, 'product', p.external_id, 'at', e.at, "
        "'quantity', e.quantity, 'value', e.value, 'rec_id', e.rec_id, 'query', e.query",
        """recommender_event e LEFT JOIN recommender_product p ON p.id = e.product_id
        WHERE e.user_id = %(user)s""",
    ),
    _part(
        "shown",
        {"l.at": _TIME, "l.rec_id": _UUID},
        "'rec_id', l.rec_id, 'at', l.at, 'operation', l.operation, 'placement', l.placement, "
        "'placement_version', l.placement_version, 'variant', l.variant, 'items', l.items, "
        "'spaces', l.spaces, 'ranker', l.ranker",
        """recommender_recommendation l
        WHERE l.catalog_id = %(catalog)s AND l."user" = %(id)s""",
    ),
)
_PLACES = {part.name: place for place, part in enumerate(PARTS)}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended."""

    part: str
    after: Position

    def __post_init__(self) -> None:
        try:
            PARTS[_PLACES[self.part]].check(self.after)
        except (KeyError, ValueError, OverflowError) as exc:
            raise CursorError(f"{self.part}: {self.after}") from exc


FIRST = Cursor(PARTS[0].name, PARTS[0].first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of what is held; what a part has of it is in the order of its rows, as JSON."""

    user: Mapping[str, Any] | None  # None of an id that only lists were made for
    variants: list[dict[str, str]]
    segments: list[dict[str, Any]]
    parts: Mapping[str, list[orjson.Fragment]]
    following: Cursor | None = None  # where the next page begins; None at the end


@dataclass(slots=True)
class _Room:
    """What a page can still take."""

    rows: int
    bytes: int = _MOST_BYTES
    taken: dict[str, list[orjson.Fragment]] = field(
        default_factory=lambda: {part.name: [] for part in PARTS}
    )

    @property
    def is_full(self) -> bool:
        return self.rows <= 0 or self.bytes <= 0

    def take(self, part: str, document: str) -> None:
        self.taken[part].append(orjson.Fragment(document.encode()))
        self.rows -= 1
        self.bytes -= len(document)


def page(catalog: Catalog, user_id: str, after: Cursor = FIRST, limit: int = USUAL_ROWS) -> Page:
    """A page of what is held about a user.

    Args:
        user_id: the shop's id.
        after: where the page before ended.
        limit: how many rows of all parts together; a page of 8 MB has fewer.

    Raises:
        UnknownUserError: nothing is held.
        CursorError: the place is none.
    """
    user = User.objects.filter(catalog=catalog, external_id=user_id).first()
    if user is None and not _is_held(catalog, user_id):
        raise UnknownUserError(user_id)
    # First: a profile that is stale is made anew for them.
    liked = [] if user is None or after != FIRST else _segments(catalog, user_id)
    room = _Room(limit)
    following = _fill(room, _Subject(catalog, user_id, user), after)
    return Page(
        user=None if user is None else _told(user),
        variants=_variants(catalog, user_id),
        segments=liked,
        parts=room.taken,
        following=following,
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    catalog: Catalog
    user_id: str
    user: User | None

    def rows(self, part: _Part, after: Position, limit: int) -> list[tuple[Any, ...]]:
        parameters = {
            "catalog": self.catalog.pk,
            "id": self.user_id,
            "user": None if self.user is None else self.user.pk,
            "after": list(after),
            "limit": limit,
        }
        return database.fetch(part.rows, parameters)


def _is_held(catalog: Catalog, user_id: str) -> bool:
    """Whether lists were made for somebody who is no user."""
    nobody = _Subject(catalog, user_id, None)
    return any(nobody.rows(part, part.first, 1) for part in PARTS)


def _fill(room: _Room, subject: _Subject, after: Cursor) -> Cursor | None:
    """Take what there is room for; where the rest begins, None where there is none."""
    for part in PARTS[_PLACES[after.part] :]:
        last = after.after if part.name == after.part else part.first
        for place, document in _rows(room, subject, part, last):
            if room.is_full:
                return Cursor(part.name, last)
            room.take(part.name, document)
            last = tuple(place)
    return None


def _rows(
    room: _Room, subject: _Subject, part: _Part, last: Position
) -> Iterator[tuple[list[str], str]]:
    """The rows after a position, one of them more than there is room for."""
    while rows := subject.rows(part, last, min(room.rows + 1, _CHUNK)):
        yield from rows
        last = tuple(rows[-1][0])


def _told(user: User) -> dict[str, Any]:
    return {
        "attributes": user.attributes,
        "created_at": user.created_at,
        "last_event_at": user.last_event_at,
        "is_anonymous": user.is_anonymous,
        "exclusion": user.exclusion,
    }


def _variants(catalog: Catalog, user_id: str) -> list[dict[str, str]]:
    """The variants of running experiments that the user sees."""
    found = (experiments.assign(one, user_id) for one in experiments.running(catalog))
    return [{"variant": one.label} for one in found if one is not None]


def _segments(catalog: Catalog, user_id: str) -> list[dict[str, Any]]:
    """What follows from the rest of the user's taste, as it is told to placements."""
    query = Query(count=_MOST_SEGMENTS)
    found = ((by, segments(catalog, user_id, by, query)) for by in _SEGMENTED_BY)
    return [
        {"by": by, "value": one.value, "score": one.score}
        for by, answered in found
        if answered.answer.fallback is None
        for one in answered.segments
    ]


def document(catalog: Catalog, user_id: str) -> Iterator[bytes]:
    """All of it as one JSON object, in pieces, of which one page is held at a time.

    Raises:
        UnknownUserError: nothing is held.
    """
    read = page(catalog, user_id)
    head = {"id": user_id, "user": read.user, "variants": read.variants, "segments": read.segments}
    yield orjson.dumps(head, option=orjson.OPT_INDENT_2).rstrip(b"}\n")
    for part in PARTS:
        yield b',\n  "%b": [' % part.name.encode()
        separator = b"\n    "
        while True:
            for row in read.parts[part.name]:
                yield separator + orjson.dumps(row)
                separator = b",\n    "
            following = read.following
            if following is None or following.part != part.name:
                break
            read = page(catalog, user_id, following)
        yield b"\n  ]"
    yield b"\n}\n"
