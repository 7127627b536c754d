"""The errors that the vendor documents, as a provider sends them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """An error: its HTTP status, its code in the native protocol, what it says.

    `compatible_code` is its code in the OpenAI-compatible protocol, where that is another.
    """

    status: int
    code: str
    message: str
    compatible_code: str = ""

    def native(self, request_id: str) -> dict[str, Any]:
        """The body of a DashScope-native answer."""
        return {"code": self.code, "message": self.message, "request_id": request_id}

    def compatible(self, request_id: str) -> dict[str, Any]:
        """The body of an OpenAI-compatible answer."""
        code = self.compatible_code or self.code
        error = {"message": self.message, "type": code, "param": None, "code": code}
        return {"error": error, "request_id": request_id}


class Refused(Exception):  # noqa: N818 - what the provider did, not a fault of the stub
    """A request is answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def invalid(message: str) -> Problem:
    """A 400 as the models' own validation words it."""
    return Problem(400, "InvalidParameter", f"<400> InternalError.Algo.InvalidParameter: {message}")


def too_many_rows(most: int) -> Problem:
    return invalid(
        f"Value error, batch size is invalid, it should not be larger than {most}.: input.contents"
    )


def too_long(most: int) -> Problem:
    return invalid(f"Range of input length should be [1, {most}]")


WRONG_TYPE = invalid("Value error, contents is neither str nor list of str.: input.contents")
WRONG_DIMENSION = invalid(
    "Value error, dimension for embedding v3 is invalid, its value shold be in "
    "[64, 128, 256, 512, 768, 1024]"
)
INSPECTION_FAILED = Problem(
    400, "DataInspectionFailed", "Input data may contain inappropriate content."
)
NO_KEY = Problem(401, "InvalidApiKey", "Invalid API-key provided.", "invalid_api_key")
NO_MODEL = Problem(404, "ModelNotFound", "Model can not be found.", "model_not_found")
RATE_QUOTA = Problem(429, "Throttling.RateQuota", "Requests rate limit exceeded.", "limit_requests")
BURST_RATE = Problem(
    429, "Throttling.BurstRate", "Request rate increased too quickly.", "limit_burst_rate"
)
ALLOCATION_QUOTA = Problem(
    429, "Throttling.AllocationQuota", "Allocated quota exceeded.", "insufficient_quota"
)
INTERNAL = Problem(500, "InternalError", "An internal error has occurred.", "internal_error")

# Every error of the vendor's table, so that a test can ask for each.
PROBLEMS = (
    too_many_rows(10),
    too_long(8192),
    WRONG_TYPE,
    WRONG_DIMENSION,
    Problem(400, "BadRequest.EmptyInput", "Required input parameter missing from request."),
    Problem(400, "BadRequest.EmptyModel", "Required parameter model missing from request."),
    Problem(400, "BadRequest.EmptyParameters", "Required parameters missing from request."),
    Problem(400, "BadRequest.IllegalInput", "The input parameter requires json format."),
    INSPECTION_FAILED,
    Problem(400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    Problem(400, "InvalidURL", "Invalid URL provided in your request."),
    Problem(400, "InvalidURL.Timeout", "Download of the media timed out."),
    Problem(400, "InvalidURL.ConnectionRefused", "Connection to the media was refused."),
    Problem(400, "BadRequest.InputDownloadFailed", "Failed to download the input file."),
    NO_KEY,
    Problem(403, "AccessDenied", "Access denied.", "access_denied"),
    Problem(403, "AccessDenied.Unpurchased", "Access to model denied."),
    Problem(403, "Model.AccessDenied", "Model access denied."),
    Problem(403, "Workspace.AccessDenied", "Workspace access denied."),
    Problem(403, "AllocationQuota.FreeTierOnly", "The free tier of the model is exhausted."),
    NO_MODEL,
    Problem(404, "ModelNotFound", "The model is not supported.", "model_not_supported"),
    Problem(404, "WorkSpaceNotFound", "WorkSpace can not be found."),
    Problem(429, "Throttling", "Requests throttling triggered."),
    RATE_QUOTA,
    BURST_RATE,
    ALLOCATION_QUOTA,
    INTERNAL,
)
