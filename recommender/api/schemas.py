"""What the API reads: one product, event or user, and many rows in one body.

Many rows are a JSON array or NDJSON; each row is judged alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice
from typing import Annotated, Any, TypeVar

import orjson
from django.http import HttpRequest
from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recommender.api import codec, lines, problems
from recommender.api.fields import (
    AttributeChanges,
    Currency,
    EventType,
    Id,
    Label,
    Moment,
    Number,
    OptionalId,
    OptionalText,
    Path,
    Price,
    ProductAttributes,
    Reference,
    Stock,
    Text,
    Time,
    Token,
    Urls,
    UserAttributes,
)
from recommender.api.problems import Problem
from recommender.catalog import values
from recommender.catalog.values import BadValueError


class Strict(Schema):
    """An unknown member is an error; ids that come as numbers are taken as text."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class _Row(BaseModel):
    """The same, of which many come at once: a Schema reads a dict's members as attributes, which
    takes twice as long."""

    model_config = Strict.model_config


class _ProductFields(_Row):
    id: OptionalId = None
    title: Text = ""
    description: Text = ""
    category: Path = ""
    brand: Label = ""
    price: Price = None
    currency: Currency = ""
    in_stock: Stock = True
    image_urls: Urls = []
    video_urls: Urls = []
    released_at: Time = None


class ProductIn(_ProductFields):
    """A product; what is left out is empty."""

    attributes: ProductAttributes = {}


class ProductChange(_ProductFields):
    """Changes of a product; what is left out stays.

    Attributes are changed by name: null removes one, and null for all of them removes all.
    """

    attributes: AttributeChanges = None


class SyncPage(Strict):
    """A page of the whole catalog, each product as in `POST /v1/products/bulk`."""

    token: Token
    products: list[Any] = []
    done: Annotated[bool, Field(strict=True)] = False
    force: Annotated[bool, Field(strict=True)] = False


class UserIn(Strict):
    """A user's attributes."""

    attributes: UserAttributes = {}


class MergeIn(Strict):
    """Whose history a user gets."""

    from_: Annotated[Id, Field(alias="from")]


class EventIn(_Row):
    """What a user did."""

    id: OptionalId = None
    type: EventType
    user: Id
    product: OptionalId = None
    at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    quantity: Number = None
    value: Number = None
    rec_id: Reference = None
    query: Annotated[
        OptionalText, Field(description="What was searched for, or what led to the product.")
    ] = None
    consent: Annotated[
        bool,
        Field(strict=True, description="Whether the user lets it be stored; if not, it is not."),
    ] = True


MAX_ROWS = 10_000
_MOST_REASONS = 5

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be taken, and why; with its id, where it can be read."""

    reason: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a body: decoded JSON values, or RowError for one that is not JSON."""

    values: list[Any]
    # Whether the body is one object: then what is wrong with it is wrong with the request.
    is_single: bool = False


def read_rows(request: HttpRequest) -> Rows:
    """The rows of a body.

    Raises:
        Problem: 400 where the body as a whole is neither, or has too many rows.
    """
    body = request.body
    if not body.strip():
        raise Problem(400, "empty-body", "Send a JSON array, or one JSON object a line.")
    codec.check_size(body)
    rows = _lines(body) if _is_ndjson(request, body) else _array(body)
    if isinstance(rows, dict):
        return Rows([rows], is_single=True)
    if not isinstance(rows, list):
        raise Problem(400, "not-rows", "Send a JSON object, an array of them, or one a line.")
    _check_count(rows)
    return Rows(rows)


def read_lines(request: HttpRequest) -> list[Any]:
    """The rows of a body of one a line, or RowError for one that is not JSON; none is no error.

    A long body comes in pieces, of which each is small: a line alone may hold too many values.

    Raises:
        Problem: 400 where it has too many rows.
    """
    return _lines(request.body)


def _check_count(rows: Sequence[object]) -> None:
    if len(rows) > MAX_ROWS:
        raise _too_many_rows(f"{len(rows):,}")


def read_page(request: HttpRequest) -> SyncPage:
    """A page of a sync; its products are decoded JSON values, or RowError for one that is no text.

    Raises:
        Problem: 400 where the body as a whole is no page, or has too many products.
    """
    try:
        document = codec.decode(request.body, takes_nul=True)
    except Problem as strict:
        document = codec.decode_leniently(request.body)
        if strict.kind != "not-json" or not isinstance(document, dict):
            raise
        if isinstance(document.get("products"), list):
            document["products"] = list(map(_judged, document["products"]))
    if not isinstance(document, dict):
        raise Problem(400, "not-a-page", 'Send an object: {"token": …, "products": […]}.')
    try:
        page = SyncPage.model_validate(document)
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
        raise problems.invalid(
            [fault | {"loc": ("body", *fault["loc"])} for fault in errors]
        ) from exc
    _check_count(page.products)
    return page


def validate_rows(schema: type[Row], row: Any) -> Row | RowError:
    """The row as the schema has it, or why it is not."""
    if isinstance(row, RowError):
        return row
    try:
        return schema.model_validate(row)
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False, include_context=False)
        more = [f"and {len(errors) - _MOST_REASONS} more"] if len(errors) > _MOST_REASONS else []
        return RowError("; ".join([*map(_reason, errors[:_MOST_REASONS]), *more]), id_of(row))


def id_of(row: Any) -> str | None:
    """The id of a row that may be anything; None where it has none that can be."""
    try:
        return values.identifier(row.get("id")) if isinstance(row, dict) else None
    except BadValueError:
        return None


def _is_ndjson(request: HttpRequest, body: bytes) -> bool:
    if lines.is_kind(request.content_type or ""):
        return True
    # Several objects under one another, whatever they were called.
    return body.lstrip()[:1] == b"{" and b"\n" in body.strip() and _first_is_whole(body)


def _first_is_whole(body: bytes) -> bool:
    try:
        orjson.loads(body.strip().split(b"\n", 1)[0])
    except orjson.JSONDecodeError:
        return False
    return True


def _array(body: bytes) -> Any:
    """The body's value; in an array, what is no text costs the row that it is in."""
    try:
        return codec.decode(body, takes_nul=True)
    except Problem as strict:
        rows = codec.decode_leniently(body)
        if strict.kind != "not-json" or not isinstance(rows, list):
            raise
    return list(map(_judged, rows))


def _judged(row: Any) -> Any:
    value = codec.strictly(row)
    return RowError(codec.NOT_TEXT, id_of(row)) if value is codec.BROKEN else value


def _too_many_rows(number: str) -> Problem:
    detail = f"{number} rows in one request; send at most {MAX_ROWS:,} at a time."
    return Problem(400, "too-many-rows", detail)


def _lines(body: bytes) -> list[Any]:
    filled = (line for line in BytesIO(body) if line.strip())
    rows = [_line(line) for line in islice(filled, MAX_ROWS)]
    if next(filled, None) is not None:
        raise _too_many_rows(f"More than {MAX_ROWS:,}")
    return rows


def _line(line: bytes) -> Any:
    try:
        return codec.decode(line, "line", takes_nul=True)
    except Problem as exc:
        return RowError(exc.detail)


def _reason(error: Mapping[str, Any]) -> str:
    described = problems.describe(error)
    return " ".join(filter(None, (described["where"], described["message"])))


def positions(rows: Sequence[object]) -> list[int]:
    """Where the rows are that can be taken."""
    return [place for place, row in enumerate(rows) if not isinstance(row, RowError)]
