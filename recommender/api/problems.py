"""Errors as RFC 9457 problem details: a stable type, what is wrong, and where."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views import defaults

from recommender import database

log = structlog.get_logger()

TITLES = {
    400: "The request is not right",
    401: "No valid API key or user token",
    403: "This key may not do that",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "In conflict with what is there",
    413: "Too large",
    429: "Asked too often",
    422: "What is there does not allow it",
    500: "Something is wrong on our side",
    503: "Not available right now",
}


_RETRY_SECONDS = 5


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An error that the caller is told about."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[dict[str, str]] = (),
        retry_after: int | None = None,
        **extra: object,
    ) -> None:
        """`kind` ends the stable type; `errors` say where, one by one; `extra` are members.

        After `retry_after` seconds it is worth asking again.
        """
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = list(errors)
        self.retry_after = _RETRY_SECONDS if retry_after is None and status == 503 else retry_after
        self.extra = extra


def document(problem: Problem) -> dict[str, Any]:
    """The problem as a body."""
    body: dict[str, Any] = {
        "type": f"urn:kinship:problem:{problem.kind}",
        "title": TITLES[problem.status],
        "status": problem.status,
        "detail": problem.detail,
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return body


def respond(problem: Problem) -> HttpResponse:
    """The problem as an answer."""
    response = HttpResponse(
        orjson.dumps(document(problem)),
        status=problem.status,
        content_type="application/problem+json",
    )
    if problem.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response


DATABASE_AWAY = Problem(503, "database-unavailable", "The database does not answer.")


def busy() -> Problem:
    """More is asked than can be answered."""
    detail = "More is asked than can be answered now. Ask again in some seconds."
    return Problem(503, "busy", detail)


def slow_body(seconds: float) -> Problem:
    """A body that did not come within so long."""
    detail = f"The body did not come within {seconds:g} s. Send less of it at a time."
    return Problem(408, "slow-body", detail)


def took_too_long(seconds: float) -> Problem:
    """A statement was stopped after so long."""
    detail = (
        f"The database was stopped after {seconds:g} s of work on this. Ask for less at once, such "
        "as by a simpler filter or in fewer rows; or raise KINSHIP_STATEMENT_SECONDS."
    )
    return Problem(503, "took-too-long", detail)


def of_database(request: HttpRequest, error: Exception) -> Problem:
    """What is answered where the database gave no answer; it is logged."""
    if database.is_stopped(error):
        log.warning("statement stopped", path=request.path, seconds=settings.STATEMENT_SECONDS)
        return took_too_long(settings.STATEMENT_SECONDS)
    log.error("database unavailable", path=request.path, error=str(error))
    return DATABASE_AWAY


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as an answer: a page for a person, else JSON."""
    if not _is_of_a_person(request):
        return respond(problem)
    told = {"heading": TITLES[problem.status], "reason": problem.detail}
    page = render(request, "recommender/problem.html", told, status=problem.status)
    if problem.retry_after is not None:
        page["Retry-After"] = str(problem.retry_after)
    return page


def unknown_product(product_id: str) -> Problem:
    """What is answered where an address, or what stands for one, names no product."""
    detail = f"There is no product {product_id!r}."
    return Problem(404, "unknown-product", detail, missing_ids=[product_id])


def unknown_user(user_id: str) -> Problem:
    """The same of a user."""
    return Problem(404, "unknown-user", f"There is no user {user_id!r}.", missing_ids=[user_id])


# Of what is wrong with one request, and of a name in it: an answer is no longer than it helps.
_MOST_ERRORS, _MOST_CHARACTERS = 20, 100


def invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """What pydantic found wrong, the first of it."""
    described = [describe(error) for error in errors[:_MOST_ERRORS]]
    detail = "; ".join(f"{error['where']}: {error['message']}" for error in described[:3])
    return Problem(400, "invalid", detail, errors=described)


def describe(error: Mapping[str, Any]) -> dict[str, str]:
    """One error of pydantic: where it is, and what it is."""
    message = error["msg"].removeprefix("Value error, ")
    # A part in angle brackets is the form that a value was taken for, which is no place.
    parts = (str(part) for part in error["loc"])
    where = ".".join(part[:_MOST_CHARACTERS] for part in parts if not part.startswith("<"))
    return {"where": where, "message": message}


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for an address that is none: a page for a person, else a problem."""
    response = _lost(request, exception or Http404())
    patch_vary_headers(response, ["Accept"])
    return response


def _lost(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_of_a_person(request):
        return defaults.page_not_found(request, exception)
    detail = f"There is nothing at {request.path}; /docs lists what there is."
    return respond(Problem(404, "no-such-address", detail))


def method_not_allowed(request: HttpRequest, allowed: str) -> HttpResponse:
    """A known address, asked in a way it does not answer; `allowed` are those it does."""
    detail = f"{request.path} does not answer {request.method}, but {allowed}."
    if request.path_info.endswith(("/similar", "/recommendations")):
        detail += " In an id that ends so, write each slash as %2F."
    response = respond(Problem(405, "method-not-allowed", detail))
    response["Allow"] = allowed
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for an error that nobody foresaw; it has been logged."""
    if _is_of_a_person(request):
        return defaults.server_error(request)
    return respond(Problem(500, "internal", "The error is logged. Please try again later."))


# Whoever asks here reads JSON, a browser too.
_FOR_PROGRAMS = (
    "/v1",
    "/api/",
    "/compatible-mode/",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/kinship.js",
)


def _is_of_a_person(request: HttpRequest) -> bool:
    """Whether a page is read where the address leads, and not what a program takes."""
    path = request.path_info
    if path.startswith("/admin"):
        return True
    wants_page = "text/html" in request.headers.get("Accept", "")
    return wants_page and not path.startswith(_FOR_PROGRAMS)
