import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from django.db.backends.signals import connection_created
from django.test import override_settings

from recommender.api.problems import Problem
from recommender.asgi import Threads, application

# What a web process sets for all its connections; other tests may take their time.
connection_created.disconnect(dispatch_uid="limit_statements")


def answer(
    path: str, *, headers: dict[str, str], body: Sequence[bytes], version: str = "1.1"
) -> tuple[int, Any]:
    """What a client is answered that sends these parts of a body and then no more."""
    sent: list[dict[str, Any]] = []
    parts = list(body)

    async def receive() -> dict[str, Any]:
        if not parts:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": True}

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
    asyncio.run(application(scope, receive, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"])


@pytest.mark.parametrize("parts", [[], [b"{"]], ids=["silent", "stalled"])
@override_settings(BODY_SECONDS=0.05)
def test_a_body_that_does_not_come_is_not_waited_for(parts: list[bytes]) -> None:
    status, problem = answer("/v1/events", headers={"Content-Length": "1000"}, body=parts)

    assert (status, problem["type"]) == (408, "urn:kinship:problem:slow-body")


@override_settings(BODY_SECONDS=0.05)
def test_a_body_of_unknown_length_is_read_and_not_taken_for_empty() -> None:
    chunks = {"Transfer-Encoding": "chunked"}
    assert answer("/v1/events", headers=chunks, body=[])[0] == 408
    assert answer("/v1/events", headers={}, body=[], version="2")[0] == 408


def test_health_is_answered_where_it_is_asked() -> None:
    assert answer("/healthz", headers={}, body=[]) == (200, {"status": "ok"})


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
