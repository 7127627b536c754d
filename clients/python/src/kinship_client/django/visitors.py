"""Who a request is of: the user who is signed in, or a visitor with an id in a cookie."""

from collections.abc import Callable
from typing import Any, cast
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from kinship_client.django.conf import configuration

_SALT = "kinship_client.visitor"
_DAY = 24 * 3600


class Visitor:
    """Who a request is of, found out when it is first asked for.

    A visitor's id is random, and in a signed cookie: nobody can claim to have been somebody else,
    whose history would be theirs when they sign in. It is made when something needs it, so
    that who looks at a page without lists gets no cookie.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._may_know: bool | None = None
        self.made: str | None = None  # an id that is not in a cookie yet
        self.is_forgotten = False  # whether the cookie is to go

    @property
    def may_know(self) -> bool:
        """Whether they let the shop know them again."""
        if self._may_know is None:
            self._may_know = configuration().may_know(self._request)
        return self._may_know

    @property
    def in_cookie(self) -> str | None:
        """The id that the cookie holds."""
        found: str | None = self._request.get_signed_cookie(
            configuration().cookie, default=None, salt=_SALT
        )
        return found

    @property
    def id(self) -> str | None:
        """By what the service knows them; None for who does not let it."""
        user = getattr(self._request, "user", None)
        if user is not None and user.is_authenticated:
            return configuration().id_of(user)
        if not self.may_know:
            return None
        if self.made is None and not self.is_forgotten:
            self.made = self.in_cookie or f"visitor-{uuid4()}"
        return self.made


def of(request: HttpRequest) -> Visitor:
    """Who a request is of.

    Raises:
        ImproperlyConfigured: the middleware is not installed.
    """
    visitor = getattr(request, "kinship", None)
    if not isinstance(visitor, Visitor):
        raise ImproperlyConfigured(
            'Add "kinship_client.django.visitors.VisitorMiddleware" to MIDDLEWARE, after that of '
            "sessions and users."
        )
    return visitor


class VisitorMiddleware:
    """`request.kinship` says who a request is of; the answer carries their cookie."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        visitor = Visitor(request)
        cast("Any", request).kinship = visitor
        response = self._get_response(request)
        found = configuration()
        if found.cookie in request.COOKIES and (visitor.is_forgotten or not visitor.may_know):
            response.delete_cookie(found.cookie)
        elif visitor.is_forgotten or visitor.made is None:
            return response
        elif visitor.made != visitor.in_cookie:
            response.set_signed_cookie(
                found.cookie,
                visitor.made,
                salt=_SALT,
                max_age=found.cookie_days * _DAY,
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        # What was made for one visitor is no other's.
        patch_vary_headers(response, ["Cookie"])
        return response
