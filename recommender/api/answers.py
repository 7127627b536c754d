"""What requests for products share: the engine's query, and its answer as JSON."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from uuid import uuid4

from django.http import HttpRequest
from ninja import Schema
from pydantic import Field, ValidationError

from recommender.api import codec, problems, reasons
from recommender.api.auth import BROWSER, ApiRequest, Caller
from recommender.api.list_requests import ListRequest
from recommender.api.problems import Problem
from recommender.api.related_requests import blend_of
from recommender.api.schemas import Strict
from recommender.engine.answer import (
    FIRST_PAGE,
    Answer,
    Continuation,
    Item,
    Query,
    UnknownFieldError,
    check_fields,
)
from recommender.engine.trace import Recorder, Stage
from recommender.retrieval import filters
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import FilterError, FilterFieldError


class WhyOut(Schema):
    """Why an item is there; contributions add up to its score, and one below 0 is against it."""

    code: Annotated[
        str,
        Field(
            description="The one reason, for those who write their own sentences; a code never "
            "changes its meaning. `because_…` and `similar_to` speak of the first of `because`, "
            f"`…_before` of the product itself: {', '.join(reasons.CODES)}."
        ),
    ]
    source: Annotated[str, Field(description="What contributes most.")]
    because: Annotated[
        list[str], Field(description="The user's own products that led here, the first most.")
    ]
    interest: Annotated[
        str | None,
        Field(description="The own product that stands for the interest nearest to it."),
    ]
    contributions: dict[str, float]
    channel: Annotated[str, Field(deprecated=True, description="The old name of `source`.")]
    parts: Annotated[
        dict[str, float], Field(deprecated=True, description="The old name of `contributions`.")
    ]
    text: Annotated[
        str | None,
        Field(
            description="The same reason in a sentence, where `explain` is true: in the first "
            "language of `Accept-Language` that there is, else in English."
        ),
    ] = None


class ItemOut(Schema):
    """One product."""

    id: str
    rank: int
    score: float
    fields: dict[str, Any]
    why: WhyOut


class StageOut(Schema):
    """A stage that ran."""

    stage: str
    milliseconds: Annotated[
        float, Field(description="With those that it called, which come after it.")
    ]
    notes: Annotated[
        dict[str, int | str | None],
        Field(description="What it says of what it did: candidates by name, mostly."),
    ]


class AnswerOut(Schema):
    """A list of products, and whether and why it is not all that was asked for."""

    rec_id: str
    spaces: list[str]
    complete: bool
    reason: str | None
    missing_ids: list[str]
    fallback: str | None
    degraded: Annotated[
        dict[str, str],
        Field(description="What did not run for this answer, by its name, and why."),
    ]
    trace: Annotated[
        list[StageOut] | None,
        Field(description="The stages in the order in which they began, where `trace` is true."),
    ] = None
    items: list[ItemOut]


Request = TypeVar("Request", bound=Strict)


def from_query(request: HttpRequest, given: Schema, schema: type[Request]) -> Request:
    """The request that query parameters make, of which all are known.

    Raises:
        Problem: 400 for an unknown parameter or a value that is not right.
    """
    codec.check_known(request, type(given).model_fields)
    return from_parameters(given, schema)


def from_parameters(given: Schema, schema: type[Request]) -> Request:
    """The request that query parameters make.

    Raises:
        Problem: 400 for a value that is not right.
    """
    document = given.model_dump(exclude_none=True)
    if text := document.pop("filter", ""):
        document["filter"] = codec.decode(text.encode(), "filter")
    if text := document.pop("fields", ""):
        document["fields"] = text.split(",")
    if text := document.pop("blend", ""):
        document["blend"] = blend_of(text)
    if "exclude" in document:
        names = document["exclude"].split(",")
        document["exclude"] = [name for name in names if name not in ("", "none")]
    try:
        return schema.model_validate(document)
    except ValidationError as exc:
        errors = [{**error, "loc": ("query", *error["loc"])} for error in exc.errors()]
        raise problems.invalid(errors) from exc


def query_of(
    caller: Caller,
    ask: ListRequest,
    after: Continuation = FIRST_PAGE,
    *,
    product: str | None = None,
    as_of: datetime | None = None,
) -> Query:
    """The engine's query.

    Args:
        after: what the list goes on from.
        product: the one that is asked about, with which a filter may compare others.
        as_of: the time that spans of time end at; None for now.

    Raises:
        Problem: 400 for a filter or a field that cannot be used.
    """
    context = FilterContext(caller.catalog, product, as_of)
    try:
        return _with_attributes(caller, lambda known: _checked(ask, known, after, context))
    except FilterError as exc:
        message = _told(caller, exc) if isinstance(exc, FilterFieldError) else str(exc)
        errors = [{"where": exc.where, "message": message}]
        raise Problem(400, "invalid-filter", message, errors=errors) from exc
    except UnknownFieldError as exc:
        message = _told(caller, exc)
        errors = [{"where": "fields", "message": message}]
        raise Problem(400, "unknown-field", message, errors=errors) from exc


def _with_attributes(caller: Caller, check: Callable[[Mapping[str, str]], Query]) -> Query:
    """Check against the remembered attributes, and where that fails against today's."""
    try:
        return check(caller.attributes)
    except (FilterError, UnknownFieldError):
        caller.catalog.refresh_from_db(fields=["attributes", "public_attributes"])
        return check(caller.attributes)


def _told(caller: Caller, error: Exception) -> str:
    """What to say of an unknown field; a browser key is not told whether it is there."""
    if caller.scope != BROWSER:
        return str(error)
    return (
        f"{error} A browser key knows only the attributes that the catalog makes public: "
        f"./kinship create_catalog {caller.catalog.name} --update --public-attributes NAME,NAME"
    )


def _checked(
    ask: ListRequest, attributes: Mapping[str, str], after: Continuation, context: FilterContext
) -> Query:
    asked = None if ask.filter is None else filters.parse(ask.filter, attributes, context)
    if within := ask.within():
        document = {k: {"under": v} if k == "category" else v for k, v in within.items()}
        asked = filters.parse(document, attributes, context, "segment").and_also(asked)
    return Query(
        count=ask.count,
        filter=asked,
        fields=check_fields(ask.fields, attributes),
        exclude=frozenset(),
        named=ask.explain,
        after=after,
    )


def document(
    request: ApiRequest,
    answer: Answer,
    ask: ListRequest,
    more: Mapping[str, object] = MappingProxyType({}),
    recorder: Recorder | None = None,
) -> dict[str, Any]:
    """The answer as JSON has it.

    Args:
        more: members of its own, where an endpoint has some.
        recorder: of the stages that made it, where they were asked for.
    """
    public = request.auth.public_attributes
    language = language_of(request) if ask.explain else None
    items = codec.within_bytes(
        _item(item, rank, language, public) for rank, item in enumerate(answer.items, start=1)
    )
    is_cut = len(items) < len(answer.items)
    traced = {} if recorder is None else {"trace": list(map(_stage, recorder.stages))}
    return {
        "rec_id": str(uuid4()),
        "spaces": answer.spaces,
        "complete": answer.complete and not is_cut,
        "reason": _cut(len(items)) if is_cut else answer.reason,
        "missing_ids": answer.missing_ids,
        "fallback": answer.fallback,
        "degraded": answer.degraded,
        **more,
        **traced,
        "items": items,
    }


def language_of(request: ApiRequest) -> str:
    """The language that reasons are told in."""
    return reasons.language_of(request.headers.get("Accept-Language", ""))


def _stage(stage: Stage) -> dict[str, Any]:
    return {"stage": stage.name, "milliseconds": stage.milliseconds, "notes": stage.notes}


def _cut(listed: int) -> str:
    return (
        f"Ended after {listed} products, as their fields have {codec.MOST_BYTES >> 20} MB; ask for "
        "fewer fields, or read the products by their ids."
    )


def _item(
    item: Item, rank: int, language: str | None, public: Collection[str] | None
) -> dict[str, Any]:
    code = reasons.code_of(item)
    why = {
        "code": code,
        "source": item.source,
        "because": item.because,
        "interest": item.interest,
        "contributions": item.contributions,
        "channel": item.source,
        "parts": item.contributions,
    }
    if language is not None:
        why["text"] = reasons.sentence(code, item.cause, language)
    return {
        "id": item.id,
        "rank": rank,
        "score": item.score,
        "fields": item.fields if public is None else _public_fields(item.fields, public),
        "why": why,
    }


def _public_fields(fields: Mapping[str, Any], public: Collection[str]) -> Mapping[str, Any]:
    """The fields with no other attributes than these."""
    if "attributes" not in fields:
        return fields
    return {**fields, "attributes": {k: v for k, v in fields["attributes"].items() if k in public}}
