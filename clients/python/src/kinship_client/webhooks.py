"""What Kinship posts to a webhook: whether it is from Kinship, and what it says.

The signatures are those of Standard Webhooks (standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, TypedDict, cast

TOLERANCE = 300  # seconds
_PREFIX = "whsec_"


class Happened(TypedDict):
    """What a webhook is told: `type`, such as feed.failed, when, in which catalog, and more."""

    type: str
    timestamp: str
    catalog: str
    data: dict[str, Any]


class WebhookError(ValueError):
    """A post that is not to be believed; the message says why. Answer it with 400."""


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> Happened:
    """What a post says, if it is signed with the secret and new.

    The same post may come twice: its header `webhook-id` is the same then.

    Args:
        secret: the webhook's, whsec_….
        headers: of the request; the case of their names does not matter.
        body: as it was sent, byte for byte.
        tolerance: seconds that the clocks may differ, and a post may be under way.
        now: Unix time; this machine's by default.

    Raises:
        WebhookError: it is not signed so, or too old, or of the future.
        ValueError: the secret is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message, at, signatures = (
        given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not message or not signatures:
        raise WebhookError("a header webhook-id, webhook-timestamp or webhook-signature is missing")
    _check_time(at, time.time() if now is None else now, tolerance)
    signed = b".".join((message.encode(), at.encode(), body))
    digest = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest())
    expected = b"v1," + digest
    # Several, where a secret is being replaced.
    if not any(hmac.compare_digest(one.encode(), expected) for one in signatures.split()):
        raise WebhookError("it is not signed with this secret")
    return cast(Happened, json.loads(body))


def _check_time(at: str, now: float, tolerance: float) -> None:
    if not (at.isascii() and at.isdecimal() and len(at) < 12):
        raise WebhookError("webhook-timestamp is no Unix time")
    if abs(now - int(at)) > tolerance:
        raise WebhookError("it is too old, or this machine's clock is wrong")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as exc:  # also where it is not ASCII
        raise ValueError("the secret is no base64; it looks like whsec_…") from exc
    if not key:
        raise ValueError("the secret is empty")
    return key
