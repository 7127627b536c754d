"""Signatures of Standard Webhooks (standardwebhooks.com, version 1.0)."""

import base64
import hashlib
import hmac

from recommender.models.webhook import key_of


def headers(secret: str, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a post: its id, its Unix time, and an HMAC-SHA256 of both with the body."""
    signed = b".".join((message_id.encode(), str(at).encode(), body))
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
