"""JSON in and out, and query parameters."""

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from django.http import HttpRequest, HttpResponse
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from recommender.api.problems import Problem


class JsonParser(Parser):
    """Request bodies: strict JSON, and no NUL, which PostgreSQL keeps in no text."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The decoded body.

        Raises:
            Problem: 400 where it is not JSON.
        """
        return decode(request.body)


class JsonRenderer(BaseRenderer):
    """Answers of endpoints that return plain values."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:  # noqa: ARG002
        """The value as JSON."""
        return encode(data)


# What a decoded body may take: a list of nothing, `[],`, takes 30 times its length in memory.
_MOST_PARTS = 2_000_000
_OBJECT = 4  # an object takes as much as so many texts or lists


def check_size(body: bytes, name: str = "body") -> None:
    """See that a body is not decoded that holds far more values than anybody sends.

    Raises:
        Problem: 413; by the commas and brackets in it, without reading what is in texts.
    """
    parts = body.count(b",") + body.count(b"[") + _OBJECT * body.count(b"{")
    if parts > _MOST_PARTS:
        raise too_many_values(parts, name)


def too_many_values(parts: int, name: str = "body") -> Problem:
    """A body has so many parts."""
    detail = (
        f"The {name} has {parts:,} parts by its commas and brackets, of {_MOST_PARTS:,} at most, "
        f"an object counting {_OBJECT}; send it in several requests."
    )
    return Problem(413, "too-many-values", detail)


def decode(body: bytes, name: str = "body", *, takes_nul: bool = False) -> Any:
    """A JSON text's value.

    Args:
        name: what an error calls the text.
        takes_nul: leave U+0000 to whoever reads the rows in it: it costs one row, not all.

    Raises:
        Problem: 400, saying where it stops being JSON; 413 for too many values.
    """
    check_size(body, name)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise Problem(400, "not-json", f"The {name} is not JSON: {exc}.") from exc
    _check_depth(value, name)
    if not takes_nul and b"\\u0000" in body and has_nul(value):
        raise Problem(400, "nul-character", "A text holds the character U+0000; leave it out.")
    return value


NOT_TEXT = "The row holds broken UTF-8 or half a surrogate pair, which is no text."
# In the place of a row that is no text.
BROKEN = object()


def decode_leniently(body: bytes) -> Any:
    """The value of JSON that orjson refuses, for `strictly` to judge row by row.

    None where it is no JSON, or where it nests deeper than Python follows.
    """
    try:
        # Bytes that are no UTF-8 become lone surrogates, as `"\\ud800"` does.
        return json.loads(body.decode(errors="surrogateescape"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def strictly(row: Any) -> Any:
    """A row that was decoded leniently as orjson reads it; BROKEN where it is no text."""
    try:
        return orjson.loads(json.dumps(row, ensure_ascii=False).encode())
    except (UnicodeEncodeError, orjson.JSONDecodeError):
        return BROKEN


def _check_depth(value: Any, name: str) -> None:
    """What is taken in must go out again: orjson reads 1,024 levels, but writes 254."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as exc:
        raise Problem(400, "too-deep", f"The {name} nests deeper than 254 levels.") from exc


def has_nul(value: Any) -> bool:
    """Whether a text anywhere in a decoded value holds U+0000."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(has_nul(k) or has_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(map(has_nul, value))


def respond(value: Any, status: int = 200) -> HttpResponse:
    """A plain value as the answer, serialised once."""
    return HttpResponse(encode(value), status=status, content_type="application/json")


def encode(value: Any) -> bytes:
    """The value as JSON."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_narrowed(value))


def _narrowed(value: Any) -> Any:
    """PostgreSQL gives 1e30 back as an integer, and JSON has none beyond 64 bits for orjson."""
    if isinstance(value, dict):
        return {key: _narrowed(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_narrowed(item) for item in value]
    is_too_long = isinstance(value, int) and not -(2**63) <= value < 2**64
    return float(value) if is_too_long else value


def check_known(request: HttpRequest, known: Collection[str]) -> None:
    """See that nothing that was asked for is silently ignored.

    Raises:
        Problem: 400 for a query parameter that is none of these, that is there twice, or that is
            no UTF-8.
    """
    try:
        unquote_to_bytes(request.META["QUERY_STRING"]).decode()
    except UnicodeDecodeError as exc:
        detail = "A query parameter is not UTF-8; encode it so before percent-encoding it."
        raise Problem(400, "not-utf-8", detail) from exc
    for name, given in request.GET.lists():
        if name not in known:
            names = ", ".join(known) or "none"
            raise Problem(400, "unknown-parameter", f"Unknown parameter {name!r}; known: {names}.")
        if len(given) > 1:
            detail = f"The parameter {name!r} is there {len(given)} times; give it once."
            raise Problem(400, "repeated-parameter", detail)
