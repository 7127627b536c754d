"""Rows that come one a line and are answered one a line, then counted in a last one.

A long body comes in pieces, each a request of its own: see `recommender.streams`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse

from recommender.api import codec

MEDIA_TYPE = "application/x-ndjson"
_KINDS = (MEDIA_TYPE, "application/ndjson", "application/jsonl")
REJECTED = "rejected"


class Before(NamedTuple):
    """What of a body came in the pieces before this one."""

    rows: int = 0
    bytes: int = 0


# What a piece's environment calls that; no header can.
BEFORE = "kinship.before"


def before(request: HttpRequest) -> Before:
    """What came before; nothing of a body that is whole."""
    given: Before = request.META.get(BEFORE, Before())
    return given


def is_kind(content_type: str) -> bool:
    """Whether a body of this type has one value a line."""
    return content_type.split(";", 1)[0].strip().lower() in _KINDS


def are_asked(content_type: str, accept: str) -> bool:
    """Whether lines come, and lines are to be answered, by these headers."""
    return is_kind(content_type) and any(map(is_kind, accept.split(",")))


def are_wanted(request: HttpRequest) -> bool:
    """The same of a request."""
    return are_asked(request.content_type or "", request.headers.get("Accept", ""))


def respond(
    request: HttpRequest,
    results: Iterable[Mapping[str, Any]],
    outcomes: Sequence[str],
    status: int = 200,
) -> HttpResponse:
    """The results by line, each with its `row`, counted from 0, and their counts in a last line.

    Args:
        results: each with a `status` that is one of the outcomes.
    """
    counts = {"rows": 0, **dict.fromkeys(outcomes, 0)}
    told = []
    for row, result in enumerate(results, before(request).rows):
        counts["rows"] += 1
        counts[result["status"]] += 1
        told.append(line({"row": row, **result}))
    return HttpResponse(b"".join([*told, line(counts)]), status=status, content_type=MEDIA_TYPE)


def line(value: Mapping[str, Any]) -> bytes:
    """A value on a line."""
    return codec.encode(value) + b"\n"
