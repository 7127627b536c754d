"""Several lists in one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field, TypeAdapter, ValidationError, WithJsonSchema

from recommender.api import answers, codec, problems, user_tokens
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.documentation import ProblemOut
from recommender.api.fields import Id
from recommender.api.list_requests import ListRequest, SummaryRequest
from recommender.api.listing import Operation, Page, Summary
from recommender.api.operations import OPERATIONS
from recommender.api.problems import Problem
from recommender.api.rows import ROWS, RowsOut
from recommender.api.schemas import Strict
from recommender.api.segments import AUDIENCE, SEGMENTS, AudienceOut, SegmentsOut
from recommender.engine.answer import FIRST_PAGE, MAX_COUNT, Continuation, product_keys

router = Router(tags=["recommendations"], auth=any_key)

MOST_REQUESTS = 20
_OPERATION = "operation"
_ID: TypeAdapter[str] = TypeAdapter(Id)

# All that can be asked for in a batch, by name: lists, and what is made of several.
_BATCHED: Mapping[str, Operation | Summary] = {
    **OPERATIONS,
    **{one.name: one for one in (ROWS, SEGMENTS, AUDIENCE)},
}
_SUBJECTS = {one.name: one.subject for one in _BATCHED.values() if one.subject}
_PART = WithJsonSchema(
    {
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    _OPERATION: {"type": "string", "enum": sorted(_BATCHED)},
                    **{subject: _ID.json_schema() for subject in _SUBJECTS.values()},
                },
                "required": [_OPERATION],
                "description": "A list by its name, and the members of its own request. "
                + " ".join(f"`{name}` needs `{subject}`." for name, subject in _SUBJECTS.items()),
            },
            {"type": "object", "description": "Anything else is refused alone."},
        ]
    }
)


class BatchRequest(Strict):
    """Lists that are asked for together."""

    requests: Annotated[
        list[Annotated[dict[str, Any], _PART]], Field(min_length=1, max_length=MOST_REQUESTS)
    ]
    distinct: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether no product is in two lists: the earlier one has it, and the "
            "later one another instead.",
        ),
    ] = False


class BatchedOut(Schema):
    """What became of one of the requests."""

    status: Annotated[int, Field(description="As the request would have alone.")]
    answer: AnswerOut | RowsOut | SegmentsOut | AudienceOut | None = None
    problem: ProblemOut | None = None


class BatchOut(Schema):
    """The answers in the order of the requests."""

    answers: list[BatchedOut]


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the requests, checked."""

    operation: Operation | Summary
    ask: ListRequest | SummaryRequest
    subject: str

    @property
    def has_sentences(self) -> bool:
        """Whether its answer is in the language of whoever asks."""
        if isinstance(self.operation, Summary):
            return self.operation.has_titles
        return isinstance(self.ask, ListRequest) and self.ask.explain

    def page(self, request: ApiRequest, after: Continuation) -> Page:
        """The answer."""
        return self.operation.page(request, self.ask, self.subject, after)


@router.post(
    "/batch",
    response=BatchOut,
    summary="Several lists at once",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_batch(request: ApiRequest, ask: BatchRequest) -> HttpResponse:
    """Up to 20 lists, each with its own answer or problem.

    What is wrong with one fails none of the others. A key may ask for what it may ask for alone.
    """
    codec.check_known(request, ())
    parts = [_read(given, place) for place, given in enumerate(ask.requests)]
    _check_counts(parts)
    response = codec.respond({"answers": _answered(request, parts, distinct=ask.distinct)})
    if any(isinstance(part, _Part) and part.has_sentences for part in parts):
        answers.tell_language(request, response)
    user_tokens.vary(request, response)
    return response


def _read(given: Mapping[str, Any], place: int) -> _Part | Problem:
    name = given.get(_OPERATION)
    operation = _BATCHED.get(name) if isinstance(name, str) else None
    if operation is None:
        message = f"is none of {', '.join(sorted(_BATCHED))}"
        return _wrong(place, [{"loc": (_OPERATION,), "msg": message}])
    own = {_OPERATION, operation.subject}
    subject = ""
    try:
        if operation.subject is not None:
            subject = _ID.validate_python(given.get(operation.subject))
        members = {member: value for member, value in given.items() if member not in own}
        return _Part(operation, operation.schema.model_validate(members), subject)
    except ValidationError as exc:
        # What is wrong with an id has no name in it.
        at = () if exc.title == operation.schema.__name__ else (operation.subject,)
        return _wrong(place, [{**error, "loc": (*at, *error["loc"])} for error in exc.errors()])


def _wrong(place: int, errors: Sequence[Mapping[str, Any]]) -> Problem:
    return problems.invalid(
        [{**error, "loc": ("body", "requests", place, *error["loc"])} for error in errors]
    )


def _check_counts(parts: Sequence[_Part | Problem]) -> None:
    """See that a batch asks for no more products than one list may have."""
    together = sum(part.ask.size() for part in parts if isinstance(part, _Part))
    if together > MAX_COUNT:
        message = f"The lists have {together:,} products together, of {MAX_COUNT:,} at most."
        errors = [{"where": "body.requests", "message": message}]
        raise Problem(400, "invalid", message, errors=errors)


def _answered(
    request: ApiRequest, parts: Sequence[_Part | Problem], *, distinct: bool
) -> list[orjson.Fragment]:
    fragments: list[orjson.Fragment] = []
    shown: list[int] = []
    size = 0
    for part in parts:
        answered = _answer(request, part, Continuation(tuple(shown)) if shown else FIRST_PAGE, size)
        encoded = codec.encode(answered.value)
        size += len(encoded)
        fragments.append(orjson.Fragment(encoded))
        if distinct and answered.listed:
            shown += product_keys(request.auth.catalog.pk, answered.listed)
    return fragments


@dataclass(frozen=True, slots=True)
class _Answered:
    """What became of one of the requests, and the ids of the products of its list."""

    value: Mapping[str, Any]
    listed: Sequence[str] = ()


def _answer(
    request: ApiRequest, part: _Part | Problem, after: Continuation, size: int
) -> _Answered:
    """The answer or the problem.

    Args:
        size: of the answers before, in bytes.
    """
    if isinstance(part, Problem):
        return _failed(part)
    if size > codec.MOST_BYTES:
        detail = f"The answers before have {codec.MOST_BYTES >> 20} MB; ask for this one alone."
        return _failed(Problem(413, "too-large", detail))
    try:
        page = part.page(request, after)
        return _Answered({"status": 200, "answer": page.document}, page.listed)
    except Problem as exc:
        return _failed(exc)
    except (OperationalError, InterfaceError) as exc:
        return _failed(problems.of_database(request, exc))


def _failed(problem: Problem) -> _Answered:
    return _Answered({"status": problem.status, "problem": problems.document(problem)})
