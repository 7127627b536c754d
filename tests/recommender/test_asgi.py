import asyncio
import re
import threading
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from django.core.signals import request_started
from django.db.backends.signals import connection_created
from django.test import override_settings
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from recommender.asgi import application

# What a web process sets for all its connections; other tests may take their time.
connection_created.disconnect(dispatch_uid="limit_statements")

# Nothing here shows a key, and that is what it is refused for first.
NO_KEY = 401


class Sender:
    """A client that sends these parts of a body and then no more; an empty one ends it."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self.parts = list(parts)

    def ask(self, path: str, headers: dict[str, str], version: str = "1.1") -> tuple[int, Any]:
        """The status and the decoded body of its answer."""
        start, end = asyncio.run(self.messages(path, headers, version))
        return start["status"], orjson.loads(end["body"])

    async def messages(
        self, path: str, headers: dict[str, str], version: str = "1.1"
    ) -> list[dict[str, Any]]:
        """What the application sends in answer."""
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "http",
            "http_version": version,
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        await application(scope, self._receive, send)
        return sent

    async def _receive(self) -> dict[str, Any]:
        if not self.parts:
            await asyncio.Event().wait()
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": part != b""}


async def _status(path: str) -> int:
    start, _ = await Sender([b""]).messages(path, {"Content-Length": "0"})
    status: int = start["status"]
    return status


@pytest.mark.parametrize("parts", [[], [b"{"]], ids=["silent", "stalled"])
@override_settings(BODY_SECONDS=0.05)
def test_a_body_that_does_not_come_is_not_waited_for(parts: list[bytes]) -> None:
    status, problem = Sender(parts).ask("/v1/events", {"Content-Length": "1000"})

    assert (status, problem["type"]) == (408, "urn:kinship:problem:slow-body")


@override_settings(BODY_SECONDS=0.05)
def test_a_body_of_unknown_length_is_read_and_not_taken_for_empty() -> None:
    chunks = {"Transfer-Encoding": "chunked"}
    assert Sender([]).ask("/v1/events", chunks)[0] == 408
    assert Sender([]).ask("/v1/events", {}, version="2")[0] == 408


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_a_body_that_is_too_large_is_taken_before_it_is_refused() -> None:
    """Who has not sent all yet would meet a closed connection, and no reason."""
    length, chunks = {"Content-Length": "18"}, {"Transfer-Encoding": "chunked"}
    for headers in (length, chunks):
        sender = Sender([b"[" * 6, b"[" * 6, b"[" * 6, b""])
        assert sender.ask("/v1/events", headers)[0] == NO_KEY
        assert sender.parts == []


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_of_a_body_without_end_no_more_is_taken_than_twice_what_is_allowed() -> None:
    sender = Sender([b"[" * 6] * 100)
    assert sender.ask("/v1/events", {"Transfer-Encoding": "chunked"})[0] == NO_KEY
    assert len(sender.parts) == 96


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10)
def test_a_large_body_that_waits_to_be_asked_for_is_not_asked_for() -> None:
    sender = Sender([b"["])
    headers = {"Content-Length": "18", "Expect": "100-continue"}
    assert sender.ask("/v1/events", headers)[0] == NO_KEY
    assert len(sender.parts) == 1


def test_health_is_answered_where_it_is_asked() -> None:
    assert Sender([]).ask("/healthz", {}) == (200, {"status": "ok"})


def test_an_answer_names_the_request_by_the_id_that_it_was_sent_with() -> None:
    assert _ids({"X-Request-ID": "checkout-17"}) == [b"checkout-17"]


@pytest.mark.parametrize("sent", ["", "a b", "x" * 101, 'a"; drop', "é"])
def test_an_id_that_is_none_is_replaced_by_one(sent: str) -> None:
    (given,) = _ids({"X-Request-ID": sent})
    assert re.fullmatch(rb"[0-9a-f]{32}", given)


def test_an_embedding_endpoint_has_the_same_id_in_its_header_and_its_body() -> None:
    start, end = asyncio.run(
        Sender([b""]).messages(
            "/compatible-mode/v1/embeddings", {"Content-Length": "0", "X-Request-ID": "embed-1"}
        )
    )
    given = [value for name, value in start["headers"] if name.lower() == b"x-request-id"]
    assert given == [b"embed-1"]
    assert orjson.loads(end["body"])["request_id"] == "embed-1"


def test_a_refused_request_is_named_too() -> None:
    with override_settings(BODY_SECONDS=0.05):
        start, _ = asyncio.run(
            Sender([]).messages("/v1/events", {"Content-Length": "9", "X-Request-ID": "drip"})
        )
    assert start["status"] == 408
    assert dict(start["headers"])[b"x-request-id"] == b"drip"


def test_what_takes_long_is_logged_with_its_id() -> None:
    with override_settings(SLOW_SECONDS=0), capture_logs() as logs:
        _ids({"X-Request-ID": "late-1"})
    (line,) = [line for line in logs if line["event"] == "slow request"]
    assert (line["request_id"], line["path"], line["status"]) == ("late-1", "/v1/events", NO_KEY)


def test_requests_are_counted_by_route_and_status() -> None:
    before = _counted()
    _ids({})
    assert _counted() == before + 1


def _ids(headers: dict[str, str]) -> list[bytes]:
    start, _ = asyncio.run(Sender([b""]).messages("/v1/events", {"Content-Length": "0", **headers}))
    return [value for name, value in start["headers"] if name == b"x-request-id"]


def _counted() -> float:
    labels = {"method": "POST", "route": "/v1/events", "status": str(NO_KEY)}
    return REGISTRY.get_sample_value("kinship_requests_total", labels) or 0.0


def test_signing_in_takes_none_of_the_threads_that_answer() -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hold(environ: dict[str, Any], **_: object) -> None:
        if environ["PATH_INFO"] == "/admin/login/":
            begun.release()
            go_on.wait()

    async def check() -> None:
        signing_in = [asyncio.create_task(_status("/admin/login/")) for _ in range(5)]
        await asyncio.to_thread(begun.acquire)
        assert await _status("/v1/events") == 401
        # One at a time.
        assert not begun.acquire(blocking=False)
        go_on.set()
        assert await asyncio.gather(*signing_in) == [403] * 5

    request_started.connect(hold)
    try:
        asyncio.run(check())
    finally:
        request_started.disconnect(hold)
