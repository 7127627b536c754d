"""JSON in and out."""

from typing import Any

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
        return orjson.dumps(data)


def decode(body: bytes) -> Any:
    """A JSON text's value.

    Raises:
        Problem: 400, saying where it stops being JSON.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise Problem(400, "not-json", f"The body is not JSON: {exc}.") from exc
    if b"\\u0000" in body and has_nul(value):
        raise Problem(400, "nul-character", "A text holds the character U+0000; leave it out.")
    return value


def has_nul(value: Any) -> bool:
    """Whether a text anywhere in a decoded value holds U+0000."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(has_nul(k) or has_nul(v) for k, v in value.items())
    return isinstance(value, list) and any(map(has_nul, value))


def respond(value: Any, status: int = 200) -> HttpResponse:
    """A plain value as the answer, serialised once."""
    return HttpResponse(orjson.dumps(value), status=status, content_type="application/json")
