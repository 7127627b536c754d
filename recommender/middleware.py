"""The one middleware: chains for the pages of admin and shop, next to nothing for the API."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.utils import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from recommender.api import addresses, limits, problems, shortcut
from recommender.api.problems import Problem
from recommender.monitoring import requests

Handler = Callable[[HttpRequest], HttpResponse]

_SAFE = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
# Styles are inline in Unfold and Swagger UI: in attributes, where no nonce reaches.
_STYLES = "style-src 'self' 'unsafe-inline'"
# Alpine, which Unfold is made with, evaluates what attributes of its pages say; a script in a page
# does not run for that. Products' pictures are shown from where they are.
_ADMIN_POLICY = (
    f"default-src 'self'; script-src 'self' 'unsafe-eval'; {_STYLES}; "
    f"img-src 'self' data: http: https:; {_SAFE}"
)
# The shop's scripts and styles are files of ours; its pictures are where the products' are.
_SHOP_POLICY = f"default-src 'self'; img-src 'self' data: http: https:; {_SAFE}"
_PAGE_POLICY = f"default-src 'self'; {_STYLES}; img-src 'self' data:; {_SAFE}"
_DOCS = ("/docs", "/openapi.json")


class _Chain:
    """Middleware around some of the requests.

    Args:
        paths: the classes, the outermost first.
        policy: what browsers are told that a page may load.
    """

    def __init__(self, get_response: Handler, paths: Sequence[str], policy: str) -> None:
        self.policy = policy
        self._handler: Any = get_response
        self._view_hooks: list[Callable[..., HttpResponseBase | None]] = []
        for path in reversed(paths):
            self._handler = import_string(path)(self._handler)
            # Django calls process_view only on what MIDDLEWARE names, and CSRF checks live there.
            if hasattr(self._handler, "process_view"):
                self._view_hooks.insert(0, self._handler.process_view)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page: HttpResponse = self._handler(request)
        _protect(request, page, self.policy)
        return page

    def process_view(self, *arguments: Any) -> HttpResponseBase | None:
        """Give each its say before the view runs."""
        for hook in self._view_hooks:
            if (response := hook(*arguments)) is not None:
                return response
        return None


class PagesOnly:
    """Run ADMIN_MIDDLEWARE around requests below /admin, SHOP_MIDDLEWARE around the shop's, and
    neither around any other."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response
        self._admin = _Chain(get_response, settings.ADMIN_MIDDLEWARE, _ADMIN_POLICY)
        self._shop = _Chain(get_response, settings.SHOP_MIDDLEWARE, _SHOP_POLICY)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chain = self._chain(request)
        problem = _refusal(request, is_page=chain is not None)
        if problem is None and chain is not None:
            page = chain(request)
            request.META[requests.ROUTE] = requests.route_of(request.resolver_match)
            return page
        addresses.route(request)
        if problem is not None:
            response = problems.answer(request, problem)
        else:
            response = shortcut.answer(request) or self._get_response(request)
            request.META.setdefault(requests.ROUTE, requests.route_of(request.resolver_match))
        # django-ninja answers a wrong method with plain text, before any of its error handlers;
        # the embedding endpoints answer theirs in the form of their protocol.
        if response.status_code == 405 and response["Content-Type"] != "application/json":
            response = problems.method_not_allowed(request, response["Allow"])
        limits.tell(request, response)
        _protect(request, response, _PAGE_POLICY)
        if response.status_code == 204:
            # There is none: neither its length nor its type may be told (RFC 9110, 8.6).
            response.headers.pop("Content-Type", None)
        else:
            # Without it the server answers in chunks.
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Give each middleware of a chain its say before the view runs."""
        chain = self._chain(request)
        if chain is not None:
            response = chain.process_view(request, view, args, kwargs)
            if response is not None:
                return response
        if _is_admin(request):
            chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
            if not all(value.isdecimal() and len(value) < 19 for value in chosen):
                detail = "A row that was chosen is none; choose the rows from the list."
                return problems.answer(request, Problem(400, "no-such-row", detail))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A page that the database gave no answer for, or refused, says so."""
        if self._chain(request) is None:
            return None
        if isinstance(exception, OperationalError | InterfaceError):
            return problems.answer(request, problems.of_database(request, exception))
        if isinstance(exception, DataError):
            detail = f"The database refuses a value: {exception}."
            return problems.answer(request, Problem(400, "no-such-value", detail))
        return None

    def _chain(self, request: HttpRequest) -> _Chain | None:
        if _is_admin(request):
            return self._admin
        return self._shop if _is_shop(request) else None


def _refusal(request: HttpRequest, *, is_page: bool) -> Problem | None:
    """What no view can answer rightly, whichever it is."""
    if "," in request.META.get("HTTP_HOST", ""):
        return Problem(400, "several-hosts", "Send one Host header, with one host.")
    address = request.path_info + request.META["QUERY_STRING"]
    if is_page and ("\x00" in address or "%00" in address):
        return Problem(400, "nul-character", "The address holds U+0000, which no text has.")
    return None


def _protect(request: HttpRequest, response: HttpResponse, policy: str) -> None:
    """Tell a browser what a page may load and run; what programs read has no use for it."""
    if not response.get("Content-Type", "").startswith("text/html"):
        return
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        lasting = f"max-age={settings.SECURE_HSTS_SECONDS}"
        response.headers.setdefault("Strict-Transport-Security", lasting)


def _is_admin(request: HttpRequest) -> bool:
    path = request.path_info
    # Who may read the documentation is then asked as in the admin.
    return path.startswith("/admin") or (path in _DOCS and not settings.PUBLIC_DOCS)


def _is_shop(request: HttpRequest) -> bool:
    return request.path_info == "/" or request.path_info.startswith("/shop/")
