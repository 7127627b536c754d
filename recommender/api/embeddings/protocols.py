"""The two protocols of the vendor: how each answers, and how each writes an error."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse

from embeddings.errors import (
    BudgetSpent,
    EmbeddingError,
    MediaUnavailable,
    Misconfigured,
    TooLong,
    Unavailable,
)
from embeddings.spec import ModelSpec
from recommender.api import problems
from recommender.api.problems import Problem
from recommender.monitoring import requests

log = structlog.get_logger()

_BY_STATUS = {
    400: "BadRequest.IllegalInput",
    401: "InvalidApiKey",
    403: "AccessDenied",
    413: "BadRequest.TooLarge",
    429: "Throttling.RateQuota",
    503: "ServiceUnavailable",
}
_RETRY_AFTER = 5.0


class Failure(Exception):  # noqa: N818 - an answer, as Problem is
    """An error that the caller is told about, in whichever protocol it asked."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after: float | None = None,
        is_final: bool = False,
    ) -> None:
        """`code` is the native one; `retry_after` in seconds; `is_final`: the SDKs, which try a
        429 and a 5xx again, need not."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))
        self.is_final = is_final


def invalid(message: str) -> Failure:
    """A request that can never be answered."""
    return Failure(400, "InvalidParameter", message)


def empty_input() -> Failure:
    """Nothing to embed was sent."""
    return Failure(
        400, "BadRequest.EmptyInput", "Required input parameter missing from request: send input."
    )


def of_problem(problem: Problem) -> Failure:
    """What authentication, decoding and the database object to, as in the rest of the API."""
    code = _BY_STATUS[problem.status]
    return Failure(problem.status, code, problem.detail, retry_after=problem.retry_after)


def wrong_length(spec: ModelSpec) -> Failure:
    """A row is blank, or has more tokens than the model takes."""
    return invalid(f"Range of input length should be [1, {spec.max_tokens}]")


def of_embedding_error(error: EmbeddingError, spec: ModelSpec) -> Failure:
    """Why a model gave no vector.

    What an operator must mend is told to the log; the caller, whose key is not the provider's,
    learns only the provider's code.
    """
    if isinstance(error, BudgetSpent):
        return Failure(429, "Throttling.AllocationQuota", str(error), is_final=True)
    if isinstance(error, MediaUnavailable):
        return Failure(400, "BadRequest.InputDownloadFailed", str(error))
    if isinstance(error, Unavailable):
        return _unavailable(error)
    if isinstance(error, Misconfigured):
        return _misconfigured(error, spec)
    if isinstance(error, TooLong):
        return wrong_length(spec)
    return Failure(400, error.code or "InvalidParameter", str(error))


def _unavailable(error: Unavailable) -> Failure:
    wait = _RETRY_AFTER if error.retry_after is None else error.retry_after
    if error.is_throttling:
        return Failure(429, "Throttling.RateQuota", str(error), retry_after=wait)
    return Failure(503, "ServiceUnavailable", str(error), retry_after=wait)


def _misconfigured(error: Misconfigured, spec: ModelSpec) -> Failure:
    log.error("embedding model misconfigured", model=spec.key, code=error.code, error=str(error))
    reason = f"its provider answers {error.code}" if error.code else "it is not set up"
    message = f"{spec.key} cannot be used on this server: {reason}; the operator must look at it."
    return Failure(500, "InternalError", message, is_final=True)


_COMPATIBLE_CODES = {
    "AccessDenied": "access_denied",
    "InternalError": "internal_error",
    "InvalidApiKey": "invalid_api_key",
    "MethodNotAllowed": "method_not_allowed",
    "ModelNotFound": "model_not_found",
    "NotFound": "not_found",
    "ServiceUnavailable": "service_unavailable",
    "Throttling.AllocationQuota": "insufficient_quota",
    "Throttling.RateQuota": "limit_requests",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """Where a protocol's addresses begin, and the body of its errors."""

    prefix: str
    error_body: Callable[[Failure, str], dict[str, Any]]


def _native_error(failure: Failure, request_id: str) -> dict[str, Any]:
    return {"code": failure.code, "message": failure.message, "request_id": request_id}


def _compatible_error(failure: Failure, request_id: str) -> dict[str, Any]:
    code = _COMPATIBLE_CODES.get(failure.code, failure.code)
    is_of_request = failure.status < 429
    error = {
        "message": failure.message,
        "type": "invalid_request_error" if is_of_request else code,
        "param": None,
        "code": code,
    }
    return {"error": error, "request_id": request_id}


NATIVE = Protocol("/api/v1/services/", _native_error)
COMPATIBLE = Protocol("/compatible-mode/", _compatible_error)


def respond(body: Any, request_id: str, status: int = 200) -> HttpResponse:
    """A body as JSON, arrays of numpy among it; the SDKs read the id from the header."""
    content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    response = HttpResponse(content, status=status, content_type="application/json")
    response["x-request-id"] = request_id
    return response


def fail(protocol: Protocol, failure: Failure, request_id: str) -> HttpResponse:
    """A failure as the protocol's answer."""
    response = respond(protocol.error_body(failure, request_id), request_id, failure.status)
    if failure.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if failure.status == 405:
        response["Allow"] = "POST"
    if failure.retry_after is not None:
        response["Retry-After"] = str(failure.retry_after)
    if failure.is_final:
        response["x-should-retry"] = "false"
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler for an address that is none: in the form of its protocol, if it has one."""
    protocol = _protocol_of(request)
    if protocol is None:
        return problems.not_found(request, exception)
    message = f"There is nothing at {request.path}; only embeddings are answered here."
    return fail(protocol, Failure(404, "NotFound", message), requests.id_in(request))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for an error that nobody foresaw; it has been logged."""
    protocol = _protocol_of(request)
    if protocol is None:
        return problems.server_error(request)
    message = "The error is logged. Please try again later."
    return fail(protocol, Failure(500, "InternalError", message), requests.id_in(request))


def _protocol_of(request: HttpRequest) -> Protocol | None:
    starts = (
        protocol
        for protocol in (NATIVE, COMPATIBLE)
        if request.path_info.startswith(protocol.prefix)
    )
    return next(starts, None)
