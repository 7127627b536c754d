"""Spans as OpenTelemetry has them, sent to a collector by OTLP over HTTP.

Loaded only where `settings.TRACES`: the SDK reads the standard OTEL_ variables itself (address,
headers, sampler, limits). Own spans and no instrumentation packages: see decision 90.
"""

import atexit
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from threading import Event, Thread
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode

from recommender import spans
from recommender.spans import Attributes, Root, Spans

_UNNAMED = "unknown_service"
# A collector that hangs must not keep a process from ending.
_LAST_SECONDS = 2.0


class _TracedRoot(Root):
    """A span of a request or a task, which begins and ends in any thread."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def ids(self) -> Mapping[str, str]:
        return {"trace_id": trace.format_trace_id(self._span.get_span_context().trace_id)}

    def current(self) -> AbstractContextManager[object]:
        return trace.use_span(self._span)

    def end(self, name: str, attributes: Attributes, *, is_failed: bool) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if is_failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Traces(Spans):
    """Tells a collector."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("kinship")
        self._is_ending, self._has_ended = Event(), Event()
        # An interpreter that ends starts no threads.
        Thread(target=self._end, name="last spans", daemon=True).start()

    def request(self, headers: Mapping[bytes, bytes], attributes: Attributes) -> Root:
        carrier = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()
        }
        return self._root("request", SpanKind.SERVER, carrier, attributes)

    def task(self, name: str, headers: Mapping[str, str], attributes: Attributes) -> Root:
        return self._root(name, SpanKind.CONSUMER, headers, attributes)

    def _root(
        self, name: str, kind: SpanKind, carrier: Mapping[str, str], attributes: Attributes
    ) -> Root:
        parent = propagate.extract(carrier, Context())
        span = self._tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
        return _TracedRoot(span)

    def headers(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier

    def stage(self, name: str) -> AbstractContextManager[object]:
        return self._tracer.start_as_current_span(name) if _is_recording() else nullcontext()

    def note(self, attributes: Mapping[str, object]) -> None:
        for name, value in attributes.items():
            if isinstance(value, str | int | float):
                trace.get_current_span().set_attribute(f"kinship.{name}", value)

    def statement(self, text: Callable[[], str]) -> AbstractContextManager[object]:
        if not _is_recording():
            return nullcontext()
        query = text()
        operation = query.split(None, 1)[:1] or ["SQL"]
        return self._tracer.start_as_current_span(
            operation[0].upper(),
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql", "db.query.text": query},
        )

    def close(self) -> None:
        self._is_ending.set()
        self._has_ended.wait(_LAST_SECONDS)

    def _end(self) -> None:
        self._is_ending.wait()
        self._provider.shutdown()
        self._has_ended.set()


def start(role: str) -> Traces:
    """Have the spans of this process told from now on, until it ends.

    Not before it has forked: what sends them is a thread.

    Args:
        role: what this process is, for the service's name where the environment has none.
    """
    provider = TracerProvider(resource=_resource(role), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    traces = Traces(provider)
    spans.tell(traces)
    connection_created.connect(_watch, dispatch_uid="spans of statements")
    atexit.register(traces.close)
    return traces


def _is_recording() -> bool:
    """Whether there is a request or a task, and the sampler takes it."""
    return trace.get_current_span().is_recording()


def _resource(role: str) -> Resource:
    resource = Resource.create()
    is_named = not str(resource.attributes[SERVICE_NAME]).startswith(_UNNAMED)
    return resource if is_named else resource.merge(Resource({SERVICE_NAME: f"kinship-{role}"}))


def _watch(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Have the statements of the ORM told, too, which do not pass `recommender.database`."""
    if _execute not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _execute)


def _execute(execute: Callable[..., Any], query: str, *arguments: Any) -> Any:
    with spans.told.statement(lambda: query):
        return execute(query, *arguments)
