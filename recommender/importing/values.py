"""Values of a file as the tables take them; text from CSV, anything from JSON."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from recommender.catalog import attributes
from recommender.importing.mapping import ATTRIBUTE
from recommender.importing.row import BadRowError, BadValueError, RefusedError, Values

MAX_ID, MAX_LABEL, MAX_TEXT, MAX_URLS = 255, 600, 100_000, 50

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_YES, _NO = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOO_MANY_DIGITS = 10**10 - 0.00005  # numeric(14,4)


def text(value: Any, longest: int = MAX_TEXT) -> str | None:
    """The text without blanks around it; None where there is none. A number's digits are text."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadValueError("is not text")
    stripped = value.strip()
    if len(stripped) > longest:
        raise BadValueError(f"is longer than {longest:,} characters")
    if "\x00" in stripped:
        raise BadValueError("holds a NUL character")
    return stripped or None


def identifier(value: Any) -> str | None:
    """An external id."""
    return text(value, MAX_ID)


def label(value: Any) -> str | None:
    """A text that an index holds; its bytes must fit a page of it."""
    return text(value, MAX_LABEL)


def path(value: Any) -> str | None:
    """A category path, without blanks around its slashes."""
    found = label(value)
    return found and ("/".join(part.strip() for part in found.split("/") if part.strip()) or None)


def number(value: Any) -> float | None:
    """A finite number."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits:
            return None
        if not _NUMBER.fullmatch(digits):
            raise BadValueError("is not a number")
        value = float(digits)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadValueError("is not a number")
    return float(value)


def price(value: Any) -> float | None:
    """An amount of money that the price column holds."""
    amount = number(value)
    if amount is not None and amount < 0:
        raise BadValueError("is negative")
    if amount is not None and amount >= _TOO_MANY_DIGITS:
        raise BadValueError("is too large")
    return amount


def currency(value: Any) -> str | None:
    """An ISO 4217 code."""
    code = text(value)
    if code is not None and not re.fullmatch("[A-Z]{3}", code.upper()):
        raise BadValueError("is not a code of three letters")
    return code and code.upper()


def boolean(value: Any) -> bool | None:
    """A yes or a no."""
    if value is None or isinstance(value, bool):
        return value
    word = (text(value) or "").lower()
    if word and word not in _YES | _NO:
        raise BadValueError("is neither yes nor no")
    return word in _YES if word else None


def uuid(value: Any) -> UUID | None:
    """A UUID."""
    digits = text(value)
    try:
        return UUID(digits) if digits else None
    except ValueError as exc:
        raise BadValueError("is not a UUID") from exc


def json_urls(value: Any) -> str | None:
    """A JSON array of URLs, from a list or from text with blanks or | between them."""
    found = re.split(r"[\s|]+", value) if isinstance(value, str) else value
    if isinstance(found, list):
        found = [address for each in found if (address := text(each, 2_000))]
    if not found:
        return None
    if not isinstance(found, list) or not all(re.match("https?://", each) for each in found):
        raise BadValueError("is not a list of http(s) addresses")
    if len(found) > MAX_URLS:
        raise BadValueError(f"has more than {MAX_URLS} addresses")
    return orjson.dumps(found).decode()


def time_reader(form: str | None) -> Callable[[Any], datetime | None]:
    """What reads times: by a strptime format, or else ISO 8601 and Unix time.

    Unix time is in seconds, milliseconds or microseconds, by its size. A time without a zone is
    in UTC.

    Raises:
        RefusedError: strptime does not take the format.
    """
    if form is not None:
        _check_format(form)

    # Neighbouring rows tend to share their time.
    @lru_cache(4096)
    def read(written: str) -> datetime:
        try:
            found = datetime.strptime(written, form) if form else _iso(written)  # noqa: DTZ007 - below
        except ValueError as exc:
            raise BadValueError("is not a date or time") from exc
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def convert(value: Any) -> datetime | None:
        written = text(value)
        return read(written) if written else None

    return convert


def _check_format(form: str) -> None:
    try:
        datetime.strptime(_EPOCH.strftime(form), form)  # noqa: DTZ007 - only whether it can
    except ValueError as exc:
        raise RefusedError(f"--time-format {form}: {exc}. Write it as '%Y-%m-%d %H:%M'.") from exc


def _iso(written: str) -> datetime:
    if _NUMBER.fullmatch(written) and len(written.partition(".")[0]) > len("20111209"):
        return _unix(float(written))
    return datetime.fromisoformat(written.removesuffix(" UTC"))


def _unix(seconds: float) -> datetime:
    for _ in range(2):
        if abs(seconds) >= 1e11:  # the year 5138
            seconds /= 1000
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as exc:
        raise ValueError("beyond the year 9999") from exc


# Every request reads the declared attributes of its catalog.
MAX_NAMES = 1_000


class AttributeReader:
    """Reads attributes from rows; the first value of one that is not declared gives its type.

    Attributes:
        kinds: type by name, of those declared and of those read.
        single: column by name of the attributes that have a column of their own.
    """

    def __init__(self, found: Mapping[str, str], declared: Mapping[str, str], is_text: bool):
        """`found`: columns by field. `is_text`: values are text, whatever they mean."""
        self.kinds = dict(declared)
        self.single = {
            field.removeprefix(ATTRIBUTE): column
            for field, column in found.items()
            if field.startswith(ATTRIBUTE)
        }
        self._all = found.get("attributes")
        self._is_text = is_text

    def read(self, row: Values) -> str | None:
        """The row's attributes as a JSON object; None where it has none.

        Raises:
            BadRowError: one does not have the type it has elsewhere, or no type at all.
        """
        found = _object(row.get(self._all)) if self._all else {}
        for name, column in self.single.items():
            found[name] = self._typed(name, row.get(column))
        found = {name: value for name, value in found.items() if value is not None}
        if not found:
            return None
        if reason := attributes.conflict(found, self.kinds):
            raise BadRowError(reason)
        return self._accept(found)

    def _typed(self, name: str, value: Any) -> Any:
        """Text as the type that the attribute is declared with."""
        if not self._is_text:
            return value
        try:
            return _CONVERTERS[self.kinds.get(name, attributes.STRING)](value)
        except BadValueError as exc:
            raise BadRowError(f"{ATTRIBUTE}{name} {exc}") from exc

    def _accept(self, found: dict[str, Any]) -> str:
        document = orjson.dumps(found)
        # An escaped backslash before u0000 is no NUL.
        if b"\\u0000" in document.replace(rb"\\", b""):
            raise BadRowError("attributes hold a NUL character")
        kinds = self.kinds | attributes.inferred(found)
        if len(kinds) > max(MAX_NAMES, len(self.kinds)):
            raise BadRowError(f"more than {MAX_NAMES:,} different attributes")
        self.kinds = kinds
        return document.decode()


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or the text of one."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.strip() else None
        except orjson.JSONDecodeError as exc:
            raise BadRowError("attributes is not a JSON object") from exc
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRowError("attributes is not a JSON object")
    return dict(value)


def _strings(value: Any) -> list[str] | None:
    found = [part.strip() for part in (text(value) or "").split("|")]
    return [part for part in found if part] or None


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    attributes.STRING: text,
    attributes.NUMBER: number,
    attributes.BOOLEAN: boolean,
    attributes.STRINGS: _strings,
}
