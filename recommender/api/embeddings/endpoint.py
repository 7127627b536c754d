"""What the embedding endpoints share: a key in, JSON in, an answer or the protocol's error out."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from recommender.api import codec
from recommender.api.auth import Caller, embed_key
from recommender.api.embeddings.errors import Failure, invalid, of_problem
from recommender.api.embeddings.protocols import Protocol, fail, respond
from recommender.api.problems import Problem

log = structlog.get_logger()

Body = dict[str, Any]
# Who asks, what they ask, and the request's id in; the answer's body out.
Answer = Callable[[Caller, Body, str], Body]
View = Callable[[HttpRequest], HttpResponse]


def endpoint(protocol: Protocol) -> Callable[[Answer], View]:
    """Make a view of a function that answers; it fails by raising `Failure`."""

    def decorate(answer: Answer) -> View:
        def view(request: HttpRequest) -> HttpResponse:
            request_id = str(uuid4())
            try:
                return respond(answer(_caller(request), _body(request), request_id), request_id)
            except Failure as failure:
                return fail(protocol, failure, request_id)
            except (OperationalError, InterfaceError) as exc:
                return fail(protocol, _database_away(request, exc), request_id)

        return view

    return decorate


def _caller(request: HttpRequest) -> Caller:
    if request.method != "POST":
        message = f"{request.path} does not answer {request.method}, but POST."
        raise Failure(405, "MethodNotAllowed", message)
    try:
        caller: Caller | None = embed_key(request)
    except Problem as problem:
        raise of_problem(problem) from problem
    if caller is None:
        message = "No API key was sent; send it as 'Authorization: Bearer KEY'."
        raise Failure(401, "InvalidApiKey", message)
    return caller


def _body(request: HttpRequest) -> Body:
    try:
        body = codec.decode(request.body)
    except Problem as problem:
        raise of_problem(problem) from problem
    except RequestDataTooBig as exc:
        message = "The body is too large; send fewer rows, or raise KINSHIP_MAX_BODY_MB."
        raise Failure(413, "BadRequest.TooLarge", message) from exc
    if not isinstance(body, dict):
        raise invalid("The body is not a JSON object.")
    return body


def _database_away(request: HttpRequest, error: Exception) -> Failure:
    log.error("database unavailable", path=request.path, error=str(error))
    message = "The database does not answer; try again."
    return Failure(503, "ServiceUnavailable", message, retry_after=5)
