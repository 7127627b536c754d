"""What a condition of a filter compares with: values as SQL wants them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from recommender import durations
from recommender.retrieval import places
from recommender.retrieval.places import Place
from recommender.retrieval.product_fields import (
    BOOLEAN,
    GEO,
    NUMBER,
    PATH,
    STRING,
    TEXT,
    TIME,
)

SHOWN_CHARACTERS = 60
_EXPECTED = {
    PATH: "a string",
    TEXT: "a string",
    TIME: "an ISO 8601 time",
    GEO: 'a place such as {"lat": 52.5, "lon": 13.4}',
}


class OperandError(ValueError):
    """An operand that cannot be used; `place` is the part of it that is wrong: `[1]`, `.within`."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


def checked(kind: str, value: Any) -> Any:
    """The value as SQL wants it; numbers as Decimal, so that the index on a price serves.

    Raises:
        OperandError: it is of another type.
    """
    if kind == BOOLEAN and isinstance(value, bool):
        return value
    if kind == NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    if kind in {STRING, PATH, TEXT} and isinstance(value, str) and "\x00" not in value:
        return value
    if kind == TIME and isinstance(value, str):
        return _time(value)
    if kind == GEO and (place := places.place(value)) is not None:
        return place
    raise OperandError(f"Takes {_EXPECTED.get(kind, f'a {kind}')}, not {shown(value)}.")


def checked_list(kind: str, values: Any) -> list[Any]:
    """At least one value, each as SQL wants it.

    Raises:
        OperandError: it is no list, or one of them is of another type.
    """
    if not isinstance(values, list) or not values:
        raise OperandError("Takes a list of at least one value.")
    return [_member(kind, value, place) for place, value in enumerate(values)]


def _member(kind: str, value: Any, place: int) -> Any:
    try:
        return checked(kind, value)
    except OperandError as exc:
        raise OperandError(str(exc), f"[{place}]{exc.place}") from exc


def some_text(value: Any) -> str:
    """A text with something in it.

    Raises:
        OperandError: it is empty or no text.
    """
    text: str = checked(STRING, value)
    if not text.strip():
        raise OperandError("Takes at least one character that is no blank.")
    return text


def span(value: Any) -> timedelta:
    """A span of time: `12h`, `30d`, `2w`, `1y`.

    Raises:
        OperandError: it is none.
    """
    try:
        return timedelta(seconds=durations.seconds(checked(STRING, value)))
    except OperandError:
        raise
    except ValueError as exc:
        raise OperandError(str(exc)) from exc


def surroundings(value: Any) -> tuple[Place, float]:
    """The place and the metres of `{"lat": 52.5, "lon": 13.4, "within": "10km"}`.

    Raises:
        OperandError: naming the part that is wrong.
    """
    if not isinstance(value, Mapping) or "within" not in value:
        raise OperandError('Takes {"lat": …, "lon": …, "within": "10km"}.')
    centre = {name: member for name, member in value.items() if name != "within"}
    try:
        return checked(GEO, centre), places.metres(value["within"])
    except OperandError:
        raise
    except ValueError as exc:
        raise OperandError(str(exc), ".within") from exc


def shown(value: Any) -> str:
    """The value as JSON, as long as a message may quote it."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _time(value: str) -> datetime:
    written = value[:SHOWN_CHARACTERS]
    try:
        time = datetime.fromisoformat(value)
        # In UTC: PostgreSQL takes no offset of 16 hours or more.
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError as exc:
        raise OperandError(f"{written!r} is not an ISO 8601 time.") from exc
    except OverflowError as exc:
        raise OperandError(f"{written!r} is outside the years 1 to 9999.") from exc
