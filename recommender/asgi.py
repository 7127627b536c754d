"""The application that granian serves: Django's WSGI handler, told the address as it was sent.

Over WSGI, granian gives the decoded path alone, and `%2F` in an id cannot be told from a slash.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import Any, TypeVar

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse

from recommender import database
from recommender.api import problems
from recommender.api.problems import Problem

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Argument = TypeVar("Argument")
Result = TypeVar("Result")

# Two, so that a slow request stops no process; more only contend for the interpreter: with four,
# similar products answer 6 % less often and their 99th percentile is no better. Each may hold a
# connection to the database.
_THREADS = 2
# What waits longer, or behind more, is sent away at once, and may ask again: its caller would have
# gone before it was answered.
_MOST_WAITING = 128
_WAIT_SECONDS = 10.0
# Of all bodies that a process is reading.
_MOST_BYTES = 256 << 20
_HEALTH = "/healthz"
# Who asks whether this is ready does not wait long for the answer.
_READY, _READY_SECONDS = "/readyz", 5.0

# Its password takes half a second of a core to check: one at a time, and not by these threads.
_SIGN_IN = ("POST", "/admin/login/")

_BUSY = "More is asked than can be answered now. Ask again in some seconds."
_HANGS = "There was no answer within {:g} s: the database, or what else it waits for, hangs."
_SLOW = "The body did not come within {:g} s. Send less of it at a time."

_handler = get_wsgi_application()
# Else the first request would wait for it.
import_module(settings.ROOT_URLCONF)
database.limit_statements(settings.STATEMENT_SECONDS)


class Threads:
    """Few threads, and a queue before them that is never long.

    Args:
        most_waiting: how many calls may stand in the queue.
        seconds: how long one may.
    """

    def __init__(
        self,
        number: int = _THREADS,
        *,
        most_waiting: int = _MOST_WAITING,
        seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._executor = ThreadPoolExecutor(number, thread_name_prefix="web")
        self._most = number + most_waiting
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calls = 0

    async def run(
        self, function: Callable[[Argument], Result], argument: Argument, *, seconds: float
    ) -> Result:
        """What the function returns, called in a thread.

        Args:
            seconds: how long that may take; the thread is not free before it returns.

        Raises:
            Problem: 503 where there is too much before it, or it takes too long.
        """
        with self._lock:
            if self._calls >= self._most:
                raise Problem(503, "busy", _BUSY)
            self._calls += 1
        call = self._executor.submit(function, argument)
        call.add_done_callback(self._end)
        result = asyncio.wrap_future(call)
        await asyncio.wait((result,), timeout=min(seconds, self._seconds))
        if not result.done() and call.cancel():
            raise Problem(503, "busy", _BUSY)
        if not result.done():
            await asyncio.wait((result,), timeout=max(0, seconds - self._seconds))
        if not result.done():
            raise Problem(503, "took-too-long", _HANGS.format(seconds))
        return result.result()

    def _end(self, _: object) -> None:
        with self._lock:
            self._calls -= 1


class _Bodies:
    """Bodies on their way in: in time, and together no more than there is memory for."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Count bytes as held until the block ends.

        Raises:
            Problem: 503 where they are too many.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._held + size > _MOST_BYTES:
                raise Problem(503, "busy", _BUSY)
            held += size
            self._held += size

        try:
            yield hold
        finally:
            self._held -= held


_threads, _sign_ins, _bodies = Threads(), Threads(1, most_waiting=16), _Bodies()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request, in a thread: Django and its connections are synchronous.

    Health is answered here, however busy the threads are.
    """
    try:
        with _bodies.holding() as hold:
            body = await _read_in_time(scope, receive, hold)
            if body is None:
                return
            members = environ(scope, body)
            if scope["path"] == _HEALTH:
                start, content = _answer(members)
            else:
                ready = scope["path"] == _READY
                seconds = _READY_SECONDS if ready else settings.ANSWER_SECONDS
                threads = _sign_ins if _signs_in(scope) else _threads
                start, content = await threads.run(_answer, members, seconds=seconds)
    except Problem as problem:
        start, content = _messages(problems.respond(problem))
    await send(start)
    await send({"type": "http.response.body", "body": content})


def _signs_in(scope: Message) -> bool:
    return (scope["method"], scope["path"]) == _SIGN_IN


async def _read_in_time(
    scope: Message, receive: Receive, hold: Callable[[int], None]
) -> bytes | None:
    try:
        async with asyncio.timeout(settings.BODY_SECONDS):
            return await _read(scope, receive, hold)
    except TimeoutError:
        raise Problem(408, "slow-body", _SLOW.format(settings.BODY_SECONDS)) from None


async def _read(scope: Message, receive: Receive, hold: Callable[[int], None]) -> bytes | None:
    """The body, or enough of it to be refused as too large; None where the client went away."""
    headers = dict(scope["headers"])
    declared = int(headers.get(b"content-length") or 0)
    is_sent = b"content-length" in headers or b"transfer-encoding" in headers
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if not is_sent or declared > most:
        return b""
    body = bytearray()
    more = True
    while more and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        hold(len(message["body"]))
        body += message["body"]
        more = message["more_body"]
    return bytes(body)


def environ(scope: Message, body: bytes) -> dict[str, Any]:
    """What WSGI (PEP 3333) says of a request, and REQUEST_URI, the address as it was sent."""
    query = scope["query_string"].decode("latin-1")
    address = scope["raw_path"].decode("latin-1")
    host, port = scope["server"] or ("", 0)
    client = scope["client"] or ("", 0)
    members = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": f"{address}?{query}" if query else address,
        "REMOTE_ADDR": str(client[0]),
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        _add_header(members, name.decode("latin-1"), value.decode("latin-1"))
    if body or "CONTENT_LENGTH" not in members:
        # A body in chunks comes without its length, and Django reads no more than that says.
        members["CONTENT_LENGTH"] = str(len(body))
    return members


def _add_header(members: dict[str, Any], name: str, value: str) -> None:
    if "_" in name:  # it could pass for another, which a proxy sets
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    separator = "; " if key == "HTTP_COOKIE" else ","
    members[key] = f"{members[key]}{separator}{value}" if key in members else value


def _answer(members: dict[str, Any]) -> tuple[Message, bytes]:
    """Django's answer: how it starts, and its content."""
    start: Message = {"type": "http.response.start"}

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        start["status"] = int(status.split(" ", 1)[0])
        start["headers"] = _encoded(headers)

    response = _handler(members, start_response)
    try:
        return start, b"".join(response)
    finally:
        response.close()


def _messages(response: HttpResponse) -> tuple[Message, bytes]:
    """An answer that Django had no part in."""
    headers = [*response.items(), ("Content-Length", str(len(response.content)))]
    start = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": _encoded(headers),
    }
    return start, response.content


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
