"""Whether traces are asked for, by the variables that all of OpenTelemetry goes by."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution

from django.core.exceptions import ImproperlyConfigured

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_PACKAGE = "opentelemetry-exporter-otlp-proto-http"


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the standard variables name a collector of spans, and do not turn them off.

    Raises:
        ImproperlyConfigured: they ask for what this does not have.
    """
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_off or environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return False
    if not _first(environ, _ENDPOINTS):
        return False
    protocol = _first(environ, _PROTOCOLS) or _PROTOCOL
    if protocol != _PROTOCOL:
        raise ImproperlyConfigured(
            f"Spans are sent by {_PROTOCOL}, not by {protocol!r}: set {_PROTOCOLS[1]} so, and "
            "the endpoint to the port for it, which is mostly 4318."
        )
    try:
        distribution(_PACKAGE)
    except PackageNotFoundError as exc:
        raise ImproperlyConfigured(
            f"{_ENDPOINTS[1]} is set, but what sends spans is not installed. "
            "Run: make setup EXTRAS=tracing"
        ) from exc
    return True


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := environ.get(name, "").strip())), "")
