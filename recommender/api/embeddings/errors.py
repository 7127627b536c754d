"""What goes wrong at an embedding endpoint, by the codes that the vendor documents."""

import math

import structlog

from embeddings.errors import (
    BudgetSpent,
    EmbeddingError,
    MediaUnavailable,
    Misconfigured,
    TooLong,
    Unavailable,
)
from embeddings.spec import ModelSpec
from recommender.api.problems import Problem

log = structlog.get_logger()

_BY_STATUS = {
    400: "BadRequest.IllegalInput",
    401: "InvalidApiKey",
    403: "AccessDenied",
    413: "BadRequest.TooLarge",
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
    """What authentication and decoding, shared with the rest of the API, object to."""
    return Failure(problem.status, _BY_STATUS[problem.status], problem.detail)


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
