"""Bodies that may be left out: how they are read, and what OpenAPI says of them."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from recommender.api import codec
from recommender.api.problems import Problem

EMPTY: dict[str, Any] = {"type": "object", "additionalProperties": False}


def documented(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a body of this schema that may be left out."""
    content = {"application/json": {"schema": dict(schema)}}
    return {"requestBody": {"required": False, "content": content}}


def read(request: HttpRequest) -> Mapping[str, Any]:
    """The object that was sent; an empty one for nothing.

    Raises:
        Problem: 400 where it is something else.
    """
    body = codec.decode(request.body) if request.body.strip() else {}
    if not isinstance(body, dict):
        raise Problem(400, "invalid", "The body is no object; send {} or nothing for the defaults.")
    return body


def check_empty(request: HttpRequest) -> None:
    """See that nothing was sent, or an object of nothing.

    Raises:
        Problem: 400 where something was.
    """
    if read(request):
        raise Problem(400, "invalid", "This takes no body but {}.")
