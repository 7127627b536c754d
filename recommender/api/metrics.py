"""`GET /metrics`, in Prometheus' text format: who may read it, and what is in it."""

import hmac
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from recommender.api.problems import Problem, respond
from recommender.monitoring import state

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")
_CLOSED = (
    "Metrics name catalogs and spaces. Set KINSHIP_METRICS_TOKEN and send it as 'Authorization: "
    "Bearer TOKEN'; without one, only this machine may ask, and not through a proxy."
)


class _State(Collector):
    """The gauges that are read when somebody asks."""

    def collect(self) -> "state.Metrics":
        return state.collect()


def metrics(request: HttpRequest) -> HttpResponse:
    """Counters and histograms of all processes of this machine, and the state of the whole."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    if not _may_read(request):
        return respond(Problem(403, "metrics-closed", _CLOSED))
    return HttpResponse(_text(), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.META.get("HTTP_AUTHORIZATION", "")
        wanted = f"Bearer {settings.METRICS_TOKEN}"
        return hmac.compare_digest(given.encode(), wanted.encode())
    is_forwarded = any(name in request.META for name in _FORWARDED)
    return not is_forwarded and _is_here(request.META.get("REMOTE_ADDR", ""))


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _text() -> bytes:
    """What all processes counted, where they count in files, else what this one did."""
    registry = CollectorRegistry()
    registry.register(_State())
    if settings.METRICS_DIRECTORY is None:
        return generate_latest(REGISTRY) + generate_latest(registry)
    collector: Any = MultiProcessCollector  # which has no types
    collector(registry, path=settings.METRICS_DIRECTORY)
    return generate_latest(registry)
