"""What /docs tells beside the views: the form of answers, examples of every call, and its errors.

The examples are of the sample store, so that they work as they are where that is loaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from ninja import Schema
from ninja.openapi.schema import REF_TEMPLATE
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from recommender.api import lines, problems
from recommender.api.fields import Id
from recommender.api.problems import Problem
from recommender.api.schemas import MAX_ROWS, ProductIn, SyncPage


class ProductOut(Schema):
    """A product."""

    id: str
    title: str
    description: str
    category: str
    brand: str
    price: float | None
    currency: str
    in_stock: bool
    image_urls: list[str]
    video_urls: list[str]
    attributes: dict[str, Any]
    released_at: datetime | None
    updated_at: datetime


class ProductPageOut(Schema):
    """Some products; `next` is the cursor of the page after, null where there is none."""

    items: list[ProductOut]
    next: str | None


class RejectedRowOut(Schema):
    """A row that was not taken: its place, from 0, and why."""

    row: int
    reason: str


class BulkOut(Schema):
    """What became of the products."""

    added: int
    changed: int
    unchanged: int
    rejected: int
    errors: list[RejectedRowOut]


class SyncOut(BulkOut):
    """What became of a page, and of the sync so far.

    `accepted` counts the page's products that were taken, `seen` those of all pages with what was
    rejected; `removed` is what was taken off sale, once `done`.
    """

    accepted: int
    seen: int
    done: bool
    removed: int


class UserOut(Schema):
    """A user."""

    id: str
    attributes: dict[str, Any]
    last_event_at: datetime | None


class PlaceOut(Schema):
    """Where in a request something is wrong, and what."""

    where: str
    message: str


class ProblemOut(Schema):
    """An error as RFC 9457 has it; `type` never changes its meaning."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[PlaceOut] | None = None
    missing_ids: list[str] | None = None
    accepted: int | None = None
    rejected: int | None = None
    removed: int | None = None
    would_remove: int | None = None
    on_sale: int | None = None
    run: str | None = None


_OWN = (ProductOut, ProductPageOut, BulkOut, SyncOut, UserOut, ProblemOut)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation: what it is asked, what it answers, and what it may object to."""

    answers: Mapping[int, str | None]  # by status, the schema of the answer; None for no content
    answer: Any = None
    lines: Sequence[Any] = ()  # that are answered to whoever accepts one a row
    bodies: Mapping[str, Any] = field(default_factory=dict)  # by what each shows
    parameters: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Problem] = ()


def complete(document: dict[str, Any], calls: Mapping[tuple[str, str], Call]) -> None:
    """Add to an OpenAPI document what is known of the calls, by method and path."""
    _, definitions = models_json_schema(
        [(schema, "serialization") for schema in _OWN], ref_template=REF_TEMPLATE
    )
    document["components"]["schemas"] |= definitions["$defs"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            call = calls.get((method, path))
            if call is not None:
                _complete(operation, call)


def _complete(operation: dict[str, Any], call: Call) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in call.parameters:
            parameter["examples"] = _given(parameter, call.parameters[parameter["name"]])
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        content["examples"] = {
            name: {"summary": name, "value": _written(body, media_type)}
            for name, body in call.bodies.items()
            if media_type == "application/json" or isinstance(body, list)
        }
    answers = {status: _answer(status, name, call) for status, name in call.answers.items()}
    operation["responses"] = answers | _errors(call.errors)


# Swagger UI fills in the first example, and these change what is answered.
_LEFT_OUT_FIRST = frozenset({"as_of", "cursor", "filter"})


def _given(parameter: Mapping[str, Any], value: Any) -> dict[str, Any]:
    examples = {"left out": {"value": ""}} if parameter["name"] in _LEFT_OUT_FIRST else {}
    # What Swagger UI fills in; a value that is no example would be called modified.
    default = parameter["schema"].get("default")
    if default not in (None, value):
        examples["default"] = {"value": default}
    return examples | {"given": {"value": value}}


def _written(body: Any, media_type: str) -> Any:
    if media_type == "application/json":
        return body
    return "\n".join(orjson.dumps(row).decode() for row in body)


def _answer(status: int, name: str | None, call: Call) -> dict[str, Any]:
    described = {"description": _DESCRIPTIONS[status]}
    if name is None:
        return described
    schema = {"$ref": REF_TEMPLATE.format(model=name)}
    content = {"application/json": {"schema": schema, "example": call.answer}}
    if call.lines:
        content[lines.MEDIA_TYPE] = {
            "schema": {"type": "string"},
            "example": _written(call.lines, lines.MEDIA_TYPE),
        }
    return described | {"content": content}


_DESCRIPTIONS = {
    200: "As asked",
    201: "Added",
    202: "Taken in; the answer says what comes of it",
    204: "Done; no content",
}


def _errors(errors: Sequence[Problem]) -> dict[int, dict[str, Any]]:
    """A response for each status, with each error that has it as an example."""
    schema = {"$ref": REF_TEMPLATE.format(model=ProblemOut.__name__)}
    responses: dict[int, dict[str, Any]] = {}
    for problem in sorted(errors, key=lambda problem: problem.status):
        response = responses.setdefault(
            problem.status,
            {
                "description": problems.TITLES[problem.status],
                "content": {"application/problem+json": {"schema": schema, "examples": {}}},
            },
        )
        examples = response["content"]["application/problem+json"]["examples"]
        examples[problem.kind] = {"summary": problem.kind, "value": problems.document(problem)}
    return responses


# What is judged row by row is refused row by row: the request as a whole may hold anything.
_ANY_ROW = {"description": "Anything else is refused alone, and said in the answer."}


def documented_rows(schema: type[BaseModel], required: Sequence[str] = ()) -> dict[str, Any]:
    """What OpenAPI says of a body that `read_rows` reads.

    Args:
        schema: of one row.
        required: members that a row needs here, beside those that the schema requires.
    """
    one = schema.model_json_schema()
    one["required"] = [*one.get("required", ()), *required]
    for name in required:
        one["properties"][name] = TypeAdapter(Id).json_schema()
    array = {"type": "array", "items": {"anyOf": [one, _ANY_ROW]}, "maxItems": MAX_ROWS}
    by_line = {"type": "string", "pattern": r"\S", "description": "One JSON object a line."}
    content = {
        "application/json": {"schema": {"oneOf": [one, array]}},
        lines.MEDIA_TYPE: {"schema": by_line},
    }
    return {"requestBody": {"required": True, "content": content}}


def documented_page() -> dict[str, Any]:
    """What OpenAPI says of a body that `read_page` reads."""
    page = SyncPage.model_json_schema()
    page["properties"]["products"] |= {
        "items": {"anyOf": [ProductIn.model_json_schema(), _ANY_ROW]},
        "maxItems": MAX_ROWS,
    }
    content = {"application/json": {"schema": page}}
    return {"requestBody": {"required": True, "content": content}}
