"""What the embedding endpoints share: a key and JSON in, an answer or the protocol's error out.

A member of a request is read in every spelling that the vendor's own examples use.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from uuid import uuid4

from django.core.exceptions import RequestDataTooBig
from django.db.utils import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from recommender.api import codec
from recommender.api.auth import Caller, embed_key
from recommender.api.embeddings.protocols import (
    Failure,
    Protocol,
    fail,
    invalid,
    of_problem,
    respond,
)
from recommender.api.problems import Problem, of_database

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
                return fail(protocol, of_problem(of_database(request, exc)), request_id)

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


Choice = TypeVar("Choice", bound=StrEnum)


def model_key(body: Body) -> str:
    """The model that is asked for."""
    key = body.get("model")
    if key is None or key == "":
        message = 'Required parameter "model" missing from request.'
        raise Failure(400, "BadRequest.EmptyModel", message)
    if not isinstance(key, str):
        raise invalid("model is not a string.")
    return key


def section(body: Body, name: str) -> Body:
    """A member that is an object; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} is not a JSON object.")
    return value


def dimension(body: Body) -> int | None:
    """`dimension` or `dimensions`, a whole number or the text of one; None where neither is."""
    value = body.get("dimension", body.get("dimensions"))
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise invalid(f"dimension is not a whole number: {value!r:.50}.")


def choice(body: Body, name: str, default: Choice) -> Choice:
    """One of the values that the default's enumeration has."""
    value: Any = body.get(name)
    if value is None:
        return default
    try:
        return type(default)(value)
    except ValueError as exc:
        known = ", ".join(type(default))
        raise invalid(f"{name} is {value!r:.50}; use one of: {known}.") from exc


def flag(body: Body, name: str) -> bool:
    """A yes or no; absent and null are no."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid(f"{name} is neither true nor false.")
    return value


def text(body: Body, name: str) -> str:
    """A text; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name} is not a string.")
    return value
