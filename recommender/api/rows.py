"""Many rows in one body: a JSON array or NDJSON, each row judged on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from django.http import HttpRequest
from pydantic import BaseModel, ValidationError

from recommender.api import codec, problems
from recommender.api.problems import Problem

MAX_ROWS = 10_000

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken, and why."""

    reason: str


def read(request: HttpRequest) -> list[Any]:
    """The rows of a body: decoded JSON values, or RowError for a line that is not JSON.

    Raises:
        Problem: 400 where the body as a whole is neither, or has too many rows.
    """
    body = request.body
    if not body.strip():
        raise Problem(400, "empty-body", "Send a JSON array, or one JSON object a line.")
    rows = _lines(body) if _is_ndjson(request, body) else codec.decode(body)
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        raise Problem(400, "not-rows", "Send a JSON object, an array of them, or one a line.")
    if len(rows) > MAX_ROWS:
        detail = f"{len(rows)} rows in one request; send at most {MAX_ROWS} at a time."
        raise Problem(400, "too-many-rows", detail)
    return rows


def validate(schema: type[Row], row: Any) -> Row | RowError:
    """The row as the schema has it, or why it is not."""
    if isinstance(row, RowError):
        return row
    try:
        return schema.model_validate(row)
    except ValidationError as exc:
        return RowError("; ".join(map(_reason, exc.errors(include_url=False))))


def documented(schema: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that `read` reads."""
    one = schema.model_json_schema()
    many = {"oneOf": [one, {"type": "array", "items": one, "maxItems": MAX_ROWS}]}
    lines = {"type": "string", "description": "One JSON object a line."}
    content = {"application/json": {"schema": many}, "application/x-ndjson": {"schema": lines}}
    return {"requestBody": {"required": True, "content": content}}


def _is_ndjson(request: HttpRequest, body: bytes) -> bool:
    kind = (request.content_type or "").lower()
    if kind in ("application/x-ndjson", "application/ndjson", "application/jsonl"):
        return True
    # Several objects under one another, whatever they were called.
    return body.lstrip()[:1] == b"{" and b"\n" in body.strip() and _first_is_whole(body)


def _first_is_whole(body: bytes) -> bool:
    try:
        orjson.loads(body.strip().split(b"\n", 1)[0])
    except orjson.JSONDecodeError:
        return False
    return True


def _lines(body: bytes) -> list[Any]:
    return [_line(line) for line in body.splitlines() if line.strip()]


def _line(line: bytes) -> Any:
    try:
        return codec.decode(line, "line")
    except Problem as exc:
        return RowError(exc.detail)


def _reason(error: Mapping[str, Any]) -> str:
    described = problems.describe(error)
    return ": ".join(filter(None, (described["where"], described["message"])))


def positions(rows: Sequence[object]) -> list[int]:
    """Where the rows are that can be taken."""
    return [place for place, row in enumerate(rows) if not isinstance(row, RowError)]
