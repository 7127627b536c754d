"""What may go wrong, in one form: that of RFC 9457, which the service speaks."""

from collections.abc import Sequence

import httpx

_LONGEST = 300


class KinshipError(Exception):
    """The service refused a request, or failed at it.

    Attributes:
        status: the HTTP status; None where no answer came.
        type: what it is, which never changes its meaning: `urn:kinship:problem:unknown-product`.
        detail: the same in a sentence.
        errors: where in the request, one by one, and what: `{"where": …, "message": …}`.
        missing_ids: the ids that nobody knows.
        request_id: as it was sent in `X-Request-Id`, by which proxies' logs have it.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        type: str = "about:blank",  # noqa: A002 - the member's name
        errors: Sequence[dict[str, str]] = (),
        missing_ids: Sequence[str] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type
        self.detail = detail
        self.errors = list(errors)
        self.missing_ids = list(missing_ids)
        self.request_id = request_id

    def __str__(self) -> str:
        known = [self.type.rpartition(":")[2]] if self.type != "about:blank" else []
        facts = [*([] if self.status is None else [str(self.status)]), *known]
        return f"{self.detail} ({', '.join(facts)})" if facts else self.detail

    @property
    def is_passing(self) -> bool:
        """Whether the same request may well succeed later."""
        return self.status is None or self.status in PASSING


class KinshipUnreachableError(KinshipError):
    """No answer came: no connection, or none in time."""


# Of a proxy before the service, too.
PASSING = frozenset({429, 502, 503, 504})


def of_answer(answer: httpx.Response) -> KinshipError:
    """What an answer that is an error says, whoever answered."""
    request_id = answer.request.headers.get("X-Request-Id")
    document = _document(answer)
    if "type" not in document or "detail" not in document:
        said = " ".join(answer.text.split())[:_LONGEST] or answer.reason_phrase
        return KinshipError(said, status=answer.status_code, request_id=request_id)
    return KinshipError(
        str(document["detail"]),
        status=answer.status_code,
        type=str(document["type"]),
        errors=_objects(document.get("errors")),
        missing_ids=[str(one) for one in _list(document.get("missing_ids"))],
        request_id=request_id,
    )


def of_silence(request: httpx.Request, error: httpx.TransportError) -> KinshipUnreachableError:
    """What it means that no answer came."""
    detail = (
        f"{request.url.copy_with(query=None)} does not answer: {str(error) or type(error).__name__}"
    )
    return KinshipUnreachableError(detail, request_id=request.headers.get("X-Request-Id"))


def _document(answer: httpx.Response) -> dict[str, object]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, str]]:
    return [one for one in _list(value) if isinstance(one, dict)]
