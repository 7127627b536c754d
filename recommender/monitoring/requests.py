"""Requests: how many of each route, how they ended, and how long they took with their waiting."""

import re
from functools import lru_cache
from uuid import uuid4

from django.http import HttpRequest
from django.urls import ResolverMatch
from prometheus_client import Counter, Histogram

# What a request's environment calls its route, and its id: in a log, here and at whoever asked.
ROUTE, ID = "kinship.route", "kinship.request_id"
# Of what ended before it had a route: it was too much, too slow, or for no address there is.
NO_ROUTE = "none"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# Anybody may call theirs as they like, and each would be counted for itself.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)

_requests = Counter(
    "kinship_requests", "Requests answered, by route and status.", ("method", "route", "status")
)
_seconds = Histogram(
    "kinship_request_seconds",
    "Seconds from the end of a request's body to its answer, its waiting among them.",
    ("route",),
    buckets=_BUCKETS,
)


def route_of(match: ResolverMatch | None) -> str:
    """The route that a request took, its parameters by place and not by value."""
    return NO_ROUTE if match is None else _named(match.route)


def of_list(path: str, asks: str | None) -> str:
    """The same of a list: `/v1/PATH`, or `/v1/PATH/{id}/ASKS`."""
    return f"/v1/{path}" if asks is None else f"/v1/{path}/{{id}}/{asks}"


@lru_cache(maxsize=1000)
def _named(route: str) -> str:
    if route.startswith("admin/"):
        return "/admin/"
    return "/" + re.sub(r"<[^>]*>", "{id}", route).strip("^?$").rstrip("/")


def id_in(request: HttpRequest) -> str:
    """The id that the server gave a request; a new one where none did."""
    given: str = request.META.get(ID) or str(uuid4())
    return given


def id_of(given: str) -> str:
    """A request's id: the one that it was sent with, or a new one where that is none."""
    return given if _ID.fullmatch(given) else uuid4().hex


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    requests, histogram = _children(method if method in _METHODS else "other", route, status)
    requests.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=10_000)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # To find them by their labels takes longer than to count.
    return _requests.labels(method, route, str(status)), _seconds.labels(route)
