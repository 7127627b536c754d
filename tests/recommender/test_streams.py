"""Rows that come by line, in a body of any length."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from threading import Barrier
from typing import Any

import orjson
import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from recommender import asgi, streams
from recommender.api.problems import Problem
from recommender.asgi import application
from recommender.catalog import catalogs
from recommender.models import ApiKey, Event, Product
from tests.shop import Shop

# What a web process sets for all its connections; other tests may take their time.
connection_created.disconnect(dispatch_uid="limit_statements")

KIND = "application/x-ndjson"
BULK, EVENTS = "/v1/products/bulk", "/v1/events"


class Sender:
    """A client that sends these parts of a body, by calls of what they are to be."""

    def __init__(self, key: str, parts: Sequence[bytes | Callable[[], object]]) -> None:
        self.parts = list(parts)
        self.key = key
        self.is_gone = False

    def ask(self, path: str, method: str = "POST") -> tuple[int, list[dict[str, Any]]]:
        """The status, and the lines of the answer."""
        start, *bodies = self.messages(path, method)
        content = b"".join(part["body"] for part in bodies)
        headers = dict(start["headers"])
        if b"content-length" in headers:
            assert int(headers[b"content-length"]) == len(content)
        return start["status"], [orjson.loads(line) for line in content.splitlines()]

    def messages(self, path: str, method: str = "POST") -> list[dict[str, Any]]:
        """What the application sends in answer."""
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append({name.lower(): value for name, value in message.items()})
            if "headers" in message:
                sent[-1]["headers"] = [(k.lower(), v) for k, v in message["headers"]]

        headers = {"content-type": KIND, "accept": KIND, "transfer-encoding": "chunked"}
        scope = {
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "headers": [
                (name.encode(), value.encode())
                for name, value in (headers | {"authorization": f"Bearer {self.key}"}).items()
            ],
        }
        asyncio.run(application(scope, self._receive, send))
        return sent

    async def _receive(self) -> dict[str, Any]:
        part = self.parts.pop(0) if self.parts else b""
        if callable(part):
            part = await asyncio.to_thread(part)
        if part is None:
            return {"type": "http.disconnect"}
        if part == b"stall":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}


@pytest.fixture(scope="module", autouse=True)
def threads_end() -> Iterator[None]:
    """The threads that answered keep no connection to a database that is to go."""
    yield
    both = Barrier(2)

    def close() -> None:
        both.wait(60)
        connections.close_all()

    for closed in [asgi._threads._executor.submit(close) for _ in range(2)]:
        closed.result()


def gone() -> None:
    """The client goes away."""


@pytest.fixture
def key(committed_shop: Shop) -> str:
    return catalogs.create_key(committed_shop.catalog, ApiKey.Scope.SERVER)


def products(start: int, stop: int) -> bytes:
    return b"".join(
        orjson.dumps({"id": f"p{number:05}", "title": f"Product {number}"}) + b"\n"
        for number in range(start, stop)
    )


def in_parts(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_each_row_of_a_long_body_has_its_line_and_the_last_one_counts(key):
    body = products(0, 2300) + b'{"id": "cheap", "price": -1}\n' + products(2300, 2500)
    status, answered = Sender(key, list(in_parts(body, 9973))).ask(BULK)

    *lines, closing = answered
    assert status == 200
    assert closing == {"rows": 2501, "added": 2500, "changed": 0, "unchanged": 0, "rejected": 1}
    assert [line["row"] for line in lines] == list(range(2501))
    assert lines[2299] == {"row": 2299, "id": "p02299", "status": "added"}
    assert lines[2300] == {
        "row": 2300,
        "id": "cheap",
        "status": "rejected",
        "reason": "price is negative",
    }
    assert Product.objects.count() == 2500


def test_what_is_sent_again_is_said_to_be_there(key):
    body = products(0, 1500)
    Sender(key, [body]).ask(BULK)
    assert Sender(key, [body]).ask(BULK)[1][-1]["unchanged"] == 1500
    changes = b'{"id": "p00000", "price": 2}\n{"id": "unknown", "price": 2}\n' * 600
    status, (first, second, *_, closing) = Sender(key, [changes]).ask(BULK, "PATCH")
    assert (status, first["status"]) == (200, "changed")
    assert second["reason"] == "There is no product 'unknown'."
    assert (closing["rows"], closing["rejected"]) == (1200, 600)


def test_events_come_by_line_and_count_once(key, committed_shop):
    committed_shop.stock(a="A")
    body = b"".join(
        orjson.dumps({"id": f"e{number}", "type": "view", "user": "u", "product": "a"}) + b"\n"
        for number in range(1200)
    )
    status, lines = Sender(key, [body]).ask(EVENTS)
    assert (status, lines[-1]) == (
        202,
        {"rows": 1200, "accepted": 1200, "duplicate": 0, "rejected": 0, "not_stored": 0},
    )
    again = Sender(key, [body, b'{"type": "view", "user": "u", "product": "none"}']).ask(EVENTS)[1]
    assert again[-1] == {
        "rows": 1201,
        "accepted": 0,
        "duplicate": 1200,
        "rejected": 1,
        "not_stored": 0,
    }
    assert again[-2]["row"] == 1200
    assert Event.objects.count() == 1200


def test_a_client_that_goes_away_leaves_whole_pieces(key):
    sent = Sender(key, [products(0, 1000), products(1000, 1700), gone]).messages(BULK)
    assert sent == []
    assert Product.objects.count() == 1000


def test_no_rows_are_no_error(key):
    assert Sender(key, [b" \n\n"]).ask(BULK)[1] == [
        {"rows": 0, "added": 0, "changed": 0, "unchanged": 0, "rejected": 0}
    ]


def test_without_a_key_nothing_is_taken_and_the_reason_is_read(committed_shop):
    sender = Sender("none", [products(0, 1500), products(1500, 3000), b""])
    status, (problem,) = sender.ask(BULK)
    assert (status, problem["type"]) == (401, "urn:kinship:problem:unknown-key")
    assert sender.parts == []
    assert Product.objects.count() == 0


def test_what_ends_midway_has_the_status_of_its_error_and_says_what_was_taken(key, committed_shop):
    def end_the_key() -> bytes:
        ApiKey.objects.filter(scope=ApiKey.Scope.SERVER).update(revoked_at="2020-01-01T00:00Z")
        _forget()
        connection.close()  # of this thread
        return products(1000, 2000)

    status, lines = Sender(key, [products(0, 1000), end_the_key, b""]).ask(BULK)
    assert status == 401
    assert len(lines) == 1001
    assert lines[-1]["added"] == 1000
    assert lines[-1]["problem"]["type"] == "urn:kinship:problem:unknown-key"
    assert Product.objects.count() == 1000


def _forget() -> None:
    from recommender.api import auth  # noqa: PLC0415 - it has models

    auth._remembered.clear()


@override_settings(BODY_SECONDS=0.2)
def test_a_body_that_stalls_is_not_waited_for(key):
    status, lines = Sender(key, [products(0, 1100), b"stall", b""]).ask(BULK)
    assert (status, lines[-1]["rows"]) == (408, 1000)
    assert lines[-1]["problem"]["type"] == "urn:kinship:problem:slow-body"


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=2000)
def test_a_line_without_end_ends_the_body(key):
    status, (problem,) = Sender(key, [b"[" * 1500, b"[" * 1500, b""]).ask(BULK)
    assert (status, problem["type"]) == (413, "urn:kinship:problem:too-large")


def test_a_long_body_is_one_request_to_the_limit_of_its_key(committed_shop):
    key = catalogs.create_key(committed_shop.catalog, ApiKey.Scope.SERVER, requests_per_day=1)
    assert Sender(key, [products(0, 2500)]).ask(BULK)[0] == 200
    assert Sender(key, [products(0, 1)]).ask(BULK)[0] == 429


def test_a_browser_key_sends_no_more_than_it_may_in_one_body(committed_shop, settings):
    committed_shop.stock(a="A")
    settings.BROWSER_BODY_BYTES = 100_000
    row = b'{"type": "view", "user": "guest", "product": "a"}\n'
    browser = catalogs.create_key(committed_shop.catalog, ApiKey.Scope.BROWSER)
    assert Sender(browser, [row * 1500]).ask(EVENTS)[0] == 202
    status, lines = Sender(browser, [row * 3000]).ask(EVENTS)
    assert (status, lines[-1]["rows"]) == (413, 2000)


class _Room:
    held = 0

    def hold(self, part: bytes) -> None:
        self.held += len(part)

    def release(self, body: bytes | bytearray) -> None:
        self.held -= len(body)


@given(parts=st.lists(st.text("ab\n", max_size=40).map(str.encode), max_size=12))
def test_pieces_are_whole_lines_and_together_the_body(parts, monkeypatch_module):
    room = _Room()

    async def pieces() -> list[bytes]:
        waiting = [*parts, b""]

        async def receive() -> dict[str, Any]:
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        return [piece async for piece in streams.Body(receive, room).pieces()]

    cut = asyncio.run(pieces())
    assert b"".join(cut) == b"".join(parts)
    assert room.held == 0
    assert all(piece.endswith(b"\n") for piece, _ in pairwise(cut))
    assert all(piece.count(b"\n") <= 3 for piece in cut)
    assert all(len(piece) <= 20 or piece.count(b"\n") <= 1 for piece in cut[:-1])


@pytest.fixture(scope="module")
def monkeypatch_module() -> Iterator[None]:
    """Small pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_ROWS", 3)
        patch.setattr(streams, "_BYTES", 20)
        yield


def test_no_room_is_said(key, monkeypatch):
    def refuse(*_: object) -> None:
        raise Problem(503, "busy", "Full.")

    monkeypatch.setattr("recommender.asgi._bodies.hold", refuse)
    assert Sender(key, [products(0, 1)]).ask(BULK)[0] == 503
