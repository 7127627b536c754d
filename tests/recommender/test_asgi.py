import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from django.core.signals import request_started
from django.db.backends.signals import connection_created
from django.test import override_settings

from recommender.api.problems import Problem
from recommender.asgi import Threads, application

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


def test_a_call_waits_for_a_thread_and_the_next_for_neither() -> None:
    asyncio.run(_check_that_the_surplus_is_refused())


async def _check_that_the_surplus_is_refused() -> None:
    threads, go_on = Threads(1, most_waiting=1, seconds=60), threading.Event()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60))
    second = asyncio.create_task(threads.run(str, 2, seconds=60))
    await asyncio.sleep(0)

    with pytest.raises(Problem, match="More is asked than can be answered"):
        await threads.run(str, 3, seconds=60)

    go_on.set()
    assert (await first, await second, await threads.run(str, 4, seconds=60)) == (True, "2", "4")


def test_a_call_that_waits_too_long_is_never_begun() -> None:
    asyncio.run(_check_that_it_is_never_begun())


async def _check_that_it_is_never_begun() -> None:
    threads, go_on, begun = Threads(1, seconds=0.05), threading.Event(), threading.Event()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60))
    await asyncio.sleep(0)

    with pytest.raises(Problem, match="More is asked than can be answered"):
        await threads.run(lambda _: begun.set(), None, seconds=60)

    go_on.set()
    await first
    assert await threads.run(str, 2, seconds=60) == "2"
    assert not begun.is_set()


def test_a_call_that_hangs_is_not_waited_for() -> None:
    asyncio.run(_check_that_it_is_given_up())


async def _check_that_it_is_given_up() -> None:
    threads, go_on = Threads(1, seconds=60), threading.Event()

    with pytest.raises(Problem, match=r"no answer within 0\.05 s"):
        await threads.run(go_on.wait, None, seconds=0.05)

    go_on.set()
    assert await threads.run(str, 2, seconds=60) == "2"


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
