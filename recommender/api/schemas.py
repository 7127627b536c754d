"""What the API reads: one product, event or user, and many rows in one body.

Many rows are a JSON array or NDJSON; each row is judged alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
from django.http import HttpRequest
from ninja import Schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from recommender.api import codec, problems
from recommender.api.problems import Problem
from recommender.engine.answer import MAX_COUNT

# The price column is numeric(14, 4); what rounds to 10¹⁰ is too much for it.
_TOO_EXPENSIVE = 10**10 - 0.00005


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds the character U+0000; leave it out")
    return text


def _in_utc(time: datetime) -> datetime:
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("is outside the years 1 to 9999") from exc


Id = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_no_nul)]
Text = Annotated[str, Field(max_length=100_000), AfterValidator(_no_nul)]
# What an index holds: its bytes must fit a third of a page.
Label = Annotated[str, Field(max_length=600), AfterValidator(_no_nul)]
Url = Annotated[str, Field(max_length=2_000, pattern=r"^https?://"), AfterValidator(_no_nul)]
Time = Annotated[datetime, AfterValidator(_in_utc)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(Schema):
    """An unknown member is an error; ids that come as numbers are taken as text."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class ProductIn(Strict):
    """A product; what is left out is empty."""

    id: Id | None = None
    title: Text = ""
    description: Text = ""
    category: Label = ""
    brand: Label = ""
    price: Annotated[Number, Field(ge=0, lt=_TOO_EXPENSIVE)] | None = None
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    in_stock: bool = True
    image_urls: Annotated[list[Url], Field(max_length=50)] = []
    video_urls: Annotated[list[Url], Field(max_length=50)] = []
    attributes: Annotated[dict[str, Any], Field(max_length=200)] = {}
    released_at: Time | None = None

    @field_validator("category")
    @classmethod
    def _path(cls, value: str) -> str:
        return "/".join(part.strip() for part in value.split("/") if part.strip())


class UserIn(Strict):
    """A user's attributes."""

    attributes: Annotated[dict[str, Any], Field(max_length=200)] = {}


class EventIn(Strict):
    """What a user did."""

    id: Id | None = None
    type: str
    user: Id
    product: Id | None = None
    at: Time = Field(default_factory=lambda: datetime.now(UTC))
    quantity: Number | None = None
    value: Number | None = None
    rec_id: UUID | None = None


class RecommendationRequest(Strict):
    """What a request for products may say; every member is optional."""

    count: Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT)] = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    exclude: list[Literal["seen", "purchased"]] = ["seen"]
    as_of: Time | None = None
    explain: bool = False


MAX_ROWS = 10_000

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken, and why."""

    reason: str


def read_rows(request: HttpRequest) -> list[Any]:
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


def validate_rows(schema: type[Row], row: Any) -> Row | RowError:
    """The row as the schema has it, or why it is not."""
    if isinstance(row, RowError):
        return row
    try:
        return schema.model_validate(row)
    except ValidationError as exc:
        return RowError("; ".join(map(_reason, exc.errors(include_url=False))))


def documented_rows(schema: type[BaseModel]) -> dict[str, Any]:
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
