"""The values of products and events, read the same from requests, files and forms.

A reader takes text as CSV has it or a value as JSON has it, and gives what the tables hold; None
where there is nothing. What it cannot take is a BadValueError.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson


class BadValueError(ValueError):
    """The value cannot be used; the message goes after the field's name: `is not a number`."""


MAX_ID, MAX_TEXT = 255, 100_000
# What an index holds: its bytes must fit a third of a page.
MAX_LABEL = 600
MAX_URL, MAX_URLS, MAX_ATTRIBUTES = 2_000, 50, 200
MAX_NAME = 255  # of an attribute

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SCALE = re.compile(r"([+-]?\d+(?:\.\d+)?) ?(?:-|\.\.|–|to) ?([+-]?\d+(?:\.\d+)?)", re.ASCII)
_YES, _NO = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}
_ORDERABLE = {"instock", "available", "preorder", "presale", "backorder", "onbackorder"} | {
    *("limitedavailability", "onlineonly", "instoreonly", "lowstock")
}
_GONE = {"outofstock", "soldout", "unavailable", "discontinued"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = re.compile(r"\d{8}", re.ASCII)
LEAST_UNIX = 1e8  # the year 1973
_MOST_UNIX = 1e18  # nothing so large is a time, also in microseconds
# The price column is numeric(14, 4); what rounds to 10¹⁰ is too much for it.
TOO_EXPENSIVE = 10**10 - 0.00005
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DOTS = {".", ".."}
_URL = re.compile("https?://")
_BETWEEN_URLS = re.compile(r"\s*,\s*(?=https?://)|[\s|]+")


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
    if _SURROGATE.search(stripped):
        raise BadValueError("holds broken UTF-8 or half a surrogate pair, which is no text")
    return stripped or None


def identifier(value: Any) -> str | None:
    """An external id: any text without control characters."""
    given = text(value, MAX_ID)
    if given and _CONTROL.search(given):
        raise BadValueError("holds a control character, such as a line end")
    # A client, a proxy or a browser takes these out of an address before it is sent.
    if given in _DOTS:
        raise BadValueError("is a dot or two, which no address can hold")
    return given


def label(value: Any) -> str | None:
    """A text that an index holds; its bytes must fit a page of it."""
    return text(value, MAX_LABEL)


def path(value: Any) -> str | None:
    """A category path, without blanks around its slashes."""
    given = label(value)
    return given and ("/".join(part.strip() for part in given.split("/") if part.strip()) or None)


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
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadValueError("is not a number")
    return _finite(value)


def _finite(value: float | Decimal) -> float:
    try:
        finite = float(value)
    except (OverflowError, ValueError) as exc:
        raise BadValueError("is not a number") from exc
    if not math.isfinite(finite):
        raise BadValueError("is not a number")
    return finite


def rating_scale(value: Any) -> tuple[float, float]:
    """The worst and the best rating, of `0.5-5`, `1..10` or `-10-10`."""
    ends = _SCALE.fullmatch(text(value) or "")
    if ends is None or not float(ends[1]) < float(ends[2]):
        raise BadValueError("is not a scale; write the worst and the best rating, such as 0.5-5")
    return float(ends[1]), float(ends[2])


def price(value: Any) -> float | None:
    """An amount of money that the price column holds."""
    amount = number(value)
    if amount is not None and amount < 0:
        raise BadValueError("is negative")
    if amount is not None and amount >= TOO_EXPENSIVE:
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


def stock(value: Any) -> bool | None:
    """Whether a product can be ordered: yes or no, a quantity, or a word of shops and feeds."""
    if value is None or isinstance(value, bool):
        return value
    written = (text(value) or "").lower()
    if not written:
        return None
    if _NUMBER.fullmatch(written):
        return float(written) > 0
    # "in stock", "in_stock" and https://schema.org/InStock are one.
    word = re.sub(r"[\s_-]", "", written.rpartition("/")[2])
    if word not in _ORDERABLE | _YES | _GONE | _NO:
        raise BadValueError("is neither yes nor no, nor a quantity")
    return word in _ORDERABLE | _YES


def uuid(value: Any) -> UUID | None:
    """A UUID."""
    digits = text(value)
    try:
        return UUID(digits) if digits else None
    except ValueError as exc:
        raise BadValueError("is not a UUID") from exc


def urls(value: Any) -> list[str] | None:
    """URLs, from a list or from text with blanks, | or, before the next one, a comma between."""
    addresses = _BETWEEN_URLS.split(value) if isinstance(value, str) else value
    if isinstance(addresses, list):
        addresses = [address for part in addresses if (address := text(part, MAX_URL))]
    if addresses is None or addresses == []:
        return None
    if not isinstance(addresses, list) or not all(map(_URL.match, addresses)):
        raise BadValueError("is not a list of http(s) addresses")
    if len(addresses) > MAX_URLS:
        raise BadValueError(f"has more than {MAX_URLS} addresses")
    return addresses


def json_object(value: Any) -> dict[str, Any] | None:
    """A JSON object, or the text of one."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.strip() else None
        except orjson.JSONDecodeError as exc:
            raise BadValueError("is not a JSON object") from exc
    if value is None or isinstance(value, dict):
        return value
    raise BadValueError("is not a JSON object")


def attributes(value: Any) -> dict[str, Any] | None:
    """Free attributes by name; a null is none."""
    given = attribute_changes(value) or {}
    return {name: member for name, member in given.items() if member is not None} or None


def attribute_changes(value: Any) -> dict[str, Any] | None:
    """Free attributes by name, null for one to be removed."""
    members = json_object(value)
    if not members:
        return members
    if sum(member is not None for member in members.values()) > MAX_ATTRIBUTES:
        raise BadValueError(f"has more than {MAX_ATTRIBUTES} members")
    if any(len(name) > MAX_NAME for name, member in members.items() if member is not None):
        raise BadValueError(f"has a name of more than {MAX_NAME} characters")
    try:
        written = orjson.dumps(members)
    except orjson.JSONEncodeError as exc:
        raise BadValueError("holds what JSON cannot, such as half a surrogate pair") from exc
    # An escaped backslash before u0000 is no NUL.
    if b"\\u0000" in written.replace(rb"\\", b""):
        raise BadValueError("holds a NUL character")
    return members


def time(value: Any) -> datetime | None:
    """A time: ISO 8601, or Unix time in seconds, milliseconds or microseconds, by its size.

    A time without a zone is in UTC. 20220624 is a day; another number of fewer than nine digits is
    too small to be told from a mistake.
    """
    if isinstance(value, datetime):
        return in_utc(value)
    written = text(value)
    return _time(written) if written else None


def in_utc(moment: datetime) -> datetime:
    """The time in UTC, which it is taken to be in where it has no zone."""
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as exc:
        raise BadValueError("is outside the years 1 to 9999") from exc


# Neighbouring rows tend to share their time.
@lru_cache(4096)
def _time(written: str) -> datetime:
    if _NUMBER.fullmatch(written) and not _DAY.fullmatch(written):
        return _unix(written)
    try:
        moment = datetime.fromisoformat(written.removesuffix(" UTC"))
    except ValueError as exc:
        raise BadValueError("is not a time") from exc
    return in_utc(moment)


def _unix(written: str) -> datetime:
    size = abs(float(written))
    if size < LEAST_UNIX:
        raise BadValueError("is too small a number for a time")
    if size >= _MOST_UNIX:
        raise BadValueError("is beyond the year 9999")
    # Exact, which a float is not to the microsecond; and it has no exponent out of bounds now.
    seconds = Decimal(written)
    for _ in range(2):
        if abs(seconds) >= 1e11:  # the year 5138
            seconds /= 1000
    try:
        return _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    except OverflowError as exc:
        raise BadValueError("is beyond the year 9999") from exc


# How each field of a product is read that a person, a request or a file gives.
PRODUCT: Mapping[str, Callable[[Any], Any]] = {
    "title": text,
    "description": text,
    "category": path,
    "brand": label,
    "price": price,
    "currency": currency,
    "in_stock": stock,
    "image_urls": urls,
    "video_urls": urls,
    "attributes": attributes,
    "released_at": time,
}
