"""What a provider's error means: whether to wait, to shorten, to give up, or to call a person.

The codes are those that DashScope documents for both of its protocols; the words are those of
DashScope, OpenAI, Cohere, Ollama, TEI, infinity and vLLM.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from embeddings.errors import EmbeddingError, Misconfigured, Rejected, TooLong, Unavailable

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What kind of error it is, and what to do."""

    kind: type[EmbeddingError]
    advice: str
    is_throttling: bool = False


_THROTTLED = _Ruling(
    Unavailable, "It was asked too often; it is asked again, more slowly.", is_throttling=True
)
_DOWN = _Ruling(Unavailable, "It is asked again later; if it lasts, see the provider's status.")
_NO_JSON = _Ruling(Unavailable, "It does not answer as a model; check what is in between.")
_REFUSED = _Ruling(Rejected, "Change the product's text or media, then retry it.")
_INSPECTED = _Ruling(Rejected, "The provider's content inspection refused it; change it.")
_NOT_FETCHED = _Ruling(
    Rejected, "The provider could not fetch the file; check that its address is public and works."
)
_TOO_LONG = _Ruling(TooLong, "Shorten the text, or let the space truncate or split it.")
_NO_KEY = _Ruling(Misconfigured, "Check the provider's API key, and that it is of this region.")
_NO_ACCESS = _Ruling(Misconfigured, "Give the account access to the model, or use another model.")
_UNPAID = _Ruling(Misconfigured, "Settle the provider's bill, or turn on paid use.")
_NO_MODEL = _Ruling(Misconfigured, "Check the model's name, the base URL and its region.")
_NO_WORKSPACE = _Ruling(Misconfigured, "Check the name of the provider's workspace.")
_DIMENSION = _Ruling(Misconfigured, "Use a dimension that the model gives.")
_REDIRECTED = _Ruling(Misconfigured, "Set the base URL to the address that it points to.")

# By code, in lower case; `a.b` stands for `a.b.c` too.
_BY_CODE: Mapping[str, _Ruling] = {
    "throttling": _THROTTLED,
    "limit_requests": _THROTTLED,
    "limit_burst_rate": _THROTTLED,
    "insufficient_quota": _THROTTLED,
    "rate_limit_exceeded": _THROTTLED,
    "invalidparameter": _REFUSED,
    "invalid_parameter_error": _REFUSED,
    "internalerror.algo.invalidparameter": _REFUSED,
    "badrequest": _REFUSED,
    "datainspectionfailed": _INSPECTED,
    "data_inspection_failed": _INSPECTED,
    "invalidurl": _NOT_FETCHED,
    "badrequest.inputdownloadfailed": _NOT_FETCHED,
    "context_length_exceeded": _TOO_LONG,
    "string_above_max_length": _TOO_LONG,
    "arrearage": _UNPAID,
    "allocationquota.freetieronly": _UNPAID,
    "accessdenied.unpurchased": _UNPAID,
    "invalidapikey": _NO_KEY,
    "invalid_api_key": _NO_KEY,
    "accessdenied": _NO_ACCESS,
    "access_denied": _NO_ACCESS,
    "model.accessdenied": _NO_ACCESS,
    "workspace.accessdenied": _NO_WORKSPACE,
    "workspacenotfound": _NO_WORKSPACE,
    "badrequest.emptymodel": _NO_MODEL,
    "badrequest.emptyparameters": _NO_MODEL,
    "modelnotfound": _NO_MODEL,
    "model_not_found": _NO_MODEL,
    "model_not_supported": _NO_MODEL,
}
# A code may say no more than that a parameter is wrong; the words then say which.
_BY_WORDS: tuple[tuple[re.Pattern[str], _Ruling], ...] = (
    (
        re.compile(
            r"range of input length|(maximum|max) (context|input|sequence) length"
            r"|input length exceeds|less than \d+ tokens|too many tokens|input is too long",
            re.IGNORECASE,
        ),
        _TOO_LONG,
    ),
    (
        re.compile(
            r"dimension for embedding|matryoshka|specifying dimensions|support dimensions"
            r"|(change|changing) (the )?(output )?dimensions|invalid (output )?dimensions?\b",
            re.IGNORECASE,
        ),
        _DIMENSION,
    ),
    (re.compile(r"model\b.{0,80}\b(not exist|not found|not supported)", re.IGNORECASE), _NO_MODEL),
)
_BY_STATUS: Mapping[int, _Ruling] = {
    401: _NO_KEY,
    402: _UNPAID,
    403: _NO_ACCESS,
    404: _NO_MODEL,
    405: _NO_MODEL,
    407: _NO_ACCESS,
    408: _DOWN,
    409: _DOWN,
    413: _REFUSED,
    424: _DOWN,  # TEI: its backend failed
    425: _DOWN,
    429: _THROTTLED,
}


def error_of(status: int, body: object, headers: Mapping[str, str]) -> EmbeddingError:
    """The error behind an answer that is no success.

    Args:
        body: the decoded JSON, or the text of what is none.
        headers: of the answer; names in any case.
    """
    code, message = _said(body)
    ruling = _ruling(status, code, message, is_json=isinstance(body, dict))
    said = " ".join(filter(None, dict.fromkeys([str(status), code])))
    quoted = f": {message}" if message else ""
    text = f"The model's provider answered {said}{quoted.rstrip('.')}. {ruling.advice}"
    if ruling.kind is Unavailable:
        return Unavailable(
            text,
            retry_after=retry_after(headers),
            code=code,
            is_throttling=ruling.is_throttling,
        )
    return ruling.kind(text, code=code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait, from `retry-after-ms` or `Retry-After`.

    RFC 9110, 10.2.3: a number of seconds or a date.
    """
    fields = httpx.Headers(headers)
    milliseconds = _number(fields.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    said = fields.get("retry-after", "")
    seconds = _number(said)
    return _seconds_until(said) if seconds is None else seconds


def _ruling(status: int, code: str, message: str, *, is_json: bool) -> _Ruling:
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return _THROTTLED
    by_words = _by_words(message)
    if status >= 500:
        # Some servers answer a text that is too long with a 500; no retry mends that.
        return _TOO_LONG if by_words is _TOO_LONG else _DOWN
    return by_words or _by_code(code) or _BY_STATUS.get(status) or _by_class(status, is_json)


def _by_code(code: str) -> _Ruling | None:
    parts = code.lower().split(".")
    for length in range(len(parts), 0, -1):
        ruling = _BY_CODE.get(".".join(parts[:length]))
        if ruling:
            return ruling
    return None


def _by_words(message: str) -> _Ruling | None:
    return next((ruling for words, ruling in _BY_WORDS if words.search(message)), None)


def _by_class(status: int, is_json: bool) -> _Ruling:
    if 300 <= status < 400:
        return _REDIRECTED
    if not is_json:
        return _NO_JSON
    return _REFUSED if status >= 400 else _DOWN


def _said(body: object) -> tuple[str, str]:
    """The code, as text, and the message, on one line."""
    if not isinstance(body, dict):
        return "", _line(body)
    nested = body.get("error")
    if isinstance(nested, dict):
        return _said(nested)
    message = body.get("message") or nested or body.get("detail") or ""
    code = body.get("code") or body.get("error_type") or body.get("type") or ""
    return str(code), _line(message)


def _line(message: Any) -> str:
    line = " ".join(str(message).split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"


def _number(said: str) -> float | None:
    try:
        number = float(said)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _seconds_until(date: str) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    # A date without a zone is in UTC, as every HTTP date is.
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
