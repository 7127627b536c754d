"""User tokens: with one, signed by the shop's server, a browser speaks for one user.

A token is a JWT (RFC 7519) with HMAC-SHA256 (`HS256`): `sub` is the user, `exp` its end.
"""

import time
from datetime import timedelta
from operator import attrgetter
from threading import Lock
from typing import Any

import jwt
from cachetools import TTLCache, cached
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from recommender.api.auth import ApiRequest
from recommender.api.problems import Problem
from recommender.catalog import keys, values
from recommender.catalog.values import BadValueError
from recommender.models import Catalog

HEADER = "X-Kinship-User-Token"
_ALGORITHM = "HS256"
_LONGEST = timedelta(hours=24)
_LEEWAY = timedelta(seconds=60)  # clocks differ
_MAX_LENGTH = 4096
_MAX_SECRETS = 10  # that one token is tried with

# A revoked secret is noticed within so long.
_REMEMBERED_SECONDS = 0.5
_MOST_REMEMBERED = 10_000

# The end of every refusal for want of one; whoever shows it knows what to do.
NEEDED = f"Send a token of this user, signed by your server, as {HEADER}."

# What OpenAPI says of the header, and of an operation that looks at it.
SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": HEADER,
    "description": "With a browser key: a JWT of your server for one user (HS256; `sub`: the user, "
    "`exp`: at most 24 hours ahead). Server keys need none.",
}
DOCUMENTED: dict[str, Any] = {"security": [{"BearerKey": [], "UserToken": []}]}

_remembered: TTLCache[int, tuple[str, ...]] = TTLCache(_MOST_REMEMBERED, _REMEMBERED_SECONDS)


def vary(request: ApiRequest, response: HttpResponse) -> None:
    """Say that an answer depends on the token, where it does: to a browser key."""
    if request.auth.is_public:
        patch_vary_headers(response, [HEADER])


def may_know(request: ApiRequest, user_id: str) -> bool:
    """Whether the caller may know what this user did.

    Raises:
        Problem: 401 for a token that is not valid, 403 for one of another user.
    """
    if not request.auth.is_public:
        return True
    user = user_of(request)
    if user is not None and user != user_id:
        raise Problem(403, "other-user", f"The user token is not of user {user_id!r}. {NEEDED}")
    return user is not None


def user_of(request: ApiRequest) -> str | None:
    """The user of the request's token; None where it has none.

    Raises:
        Problem: 401 for a token that is not valid.
    """
    token = _token(request)
    if token is None:
        return None
    secrets = _secrets(request.auth.catalog)
    if not secrets:
        raise _invalid(
            "the catalog has no secret that it could be signed with; make one: "
            f"./kinship create_api_key {request.auth.catalog.name} --scope token"
        )
    for secret in secrets[:_MAX_SECRETS]:
        try:
            return _checked(token, secret)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError as exc:
            raise _invalid("it has expired; fetch another from your server") from exc
        except jwt.PyJWTError as exc:
            raise _invalid(f"{exc}".rstrip(".")) from exc
    raise _invalid("it is not signed with a secret of this catalog")


def _token(request: HttpRequest) -> str | None:
    token = request.headers.get(HEADER)
    if token is None:
        return None
    if len(token) > _MAX_LENGTH or not token.isascii():
        raise _invalid(f"it has more than {_MAX_LENGTH:,} characters, or others than ASCII")
    return token


def _checked(token: str, secret: str) -> str:
    """The user of a token that was signed with this secret."""
    required = ["exp", "sub"]
    claims = jwt.decode(
        token, secret, algorithms=[_ALGORITHM], leeway=_LEEWAY, options={"require": required}
    )
    if int(claims["exp"]) - time.time() > (_LONGEST + _LEEWAY).total_seconds():
        raise jwt.InvalidTokenError("`exp` is more than 24 hours ahead")
    try:
        user = values.identifier(claims["sub"])
    except BadValueError as exc:
        raise jwt.InvalidTokenError(f"`sub`, the user's id, {exc}") from exc
    if user is None:
        raise jwt.InvalidTokenError("`sub`, the user's id, is empty")
    return user


def _invalid(reason: str) -> Problem:
    return Problem(401, "invalid-user-token", f"The user token is not valid: {reason}.")


@cached(_remembered, key=attrgetter("pk"), lock=Lock())
def _secrets(catalog: Catalog) -> tuple[str, ...]:
    return keys.token_secrets(catalog)
