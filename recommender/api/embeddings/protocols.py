"""The two protocols of the vendor: how each answers, and how each writes an error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from django.http import HttpRequest, HttpResponse

from recommender.api import problems
from recommender.api.embeddings.errors import Failure

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
    return fail(protocol, Failure(404, "NotFound", message), str(uuid4()))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for an error that nobody foresaw; it has been logged."""
    protocol = _protocol_of(request)
    if protocol is None:
        return problems.server_error(request)
    message = "The error is logged. Please try again later."
    return fail(protocol, Failure(500, "InternalError", message), str(uuid4()))


def _protocol_of(request: HttpRequest) -> Protocol | None:
    starts = (each for each in (NATIVE, COMPATIBLE) if request.path_info.startswith(each.prefix))
    return next(starts, None)
