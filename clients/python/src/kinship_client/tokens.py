"""User tokens: with one a browser speaks for the user who is signed in at the shop."""

import base64
import hashlib
import hmac
import json
import time

LONGEST = 24 * 3600  # seconds; the service takes no token that is valid for longer


def sign_user_token(secret: str, user: str, *, seconds: int = 3600) -> str:
    """A JWT (RFC 7519, HS256) for a user, as the service takes it in `X-Kinship-User-Token`.

    Args:
        secret: the catalog's, as `create_api_key NAME --scope token` printed it.
        seconds: how long it is valid from now.

    Raises:
        ValueError: no user, or a time that the service would refuse.
    """
    if not user:
        raise ValueError("a user token is of a user")
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a user token is valid for 1 to {LONGEST} seconds")
    head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = _encoded(json.dumps({"sub": user, "exp": int(time.time()) + seconds}).encode())
    signature = hmac.new(secret.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{_encoded(signature)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
