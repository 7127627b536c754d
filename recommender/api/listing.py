"""From a request for a list to its answer: the one way that all endpoints of lists take."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

from recommender.api import answers, codec, user_tokens
from recommender.api.auth import BROWSER, ApiRequest
from recommender.api.list_requests import ListRequest
from recommender.engine import trace
from recommender.engine.answer import FIRST_PAGE, Answer, Continuation


@dataclass(frozen=True, slots=True)
class Made:
    """An answer, and what an endpoint has to say beside it."""

    answer: Answer
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A list that can be asked for, in an address of its own and by its name.

    `make` is given the request, what the address names ("" where it names nothing), what is asked,
    and what the list goes on from.
    """

    name: str
    schema: type[ListRequest]
    make: Callable[[ApiRequest, str, Any, Continuation], Made]
    subject: str | None = None  # what its address names, as a body calls it
    knows_users: bool = False  # whether a user token changes what a browser is answered


def respond(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str = ""
) -> HttpResponse:
    """The first page of a list."""
    return _response(request, operation, ask, document(request, operation, ask, subject))


def document(
    request: ApiRequest,
    operation: Operation,
    ask: ListRequest,
    subject: str = "",
    after: Continuation = FIRST_PAGE,
) -> dict[str, Any]:
    """A page of a list, as JSON has it."""
    with trace.recording() if ask.trace else nullcontext() as recorder:
        made = operation.make(request, subject, ask, after)
    return answers.document(request, made.answer, ask, made.more, recorder)


def _response(
    request: ApiRequest, operation: Operation, ask: ListRequest, page: Mapping[str, Any]
) -> HttpResponse:
    response = codec.respond(page)
    if ask.explain:
        response["Content-Language"] = answers.language_of(request)
        patch_vary_headers(response, ["Accept-Language"])
    if operation.knows_users and request.auth.scope == BROWSER:
        patch_vary_headers(response, [user_tokens.HEADER])
    return response
