"""The application that granian serves: Django's WSGI handler, told the address as it was sent.

Over WSGI, granian gives the decoded path alone, and `%2F` in an id cannot be told from a slash.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from importlib import import_module
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any

import structlog
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from recommender import database, spans, streams
from recommender.api import lines, problems
from recommender.api.lines import Before
from recommender.api.problems import Problem
from recommender.bodies import Bodies
from recommender.engine import answer_log
from recommender.monitoring import requests
from recommender.streams import Answer, GoneError, Message, Receive, Send
from recommender.threads import Threads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")

log = structlog.get_logger()

_WITH_BODY = {"POST", "PUT", "PATCH"}
_WHOLE = Before()
_ID_HEADER = b"x-request-id"
_HEALTH = "/healthz"
# Who asks whether this is ready does not wait long for the answer.
_READY, _READY_SECONDS = "/readyz", 5.0
# Who watches asks all day, and is no part of anybody's trace.
_WATCHED = (_HEALTH, _READY, "/metrics")
_SPAN = "kinship.span"

# Its password takes half a second of a core to check: one at a time, and not by these threads.
_SIGN_IN = ("POST", "/admin/login/")

_handler = get_wsgi_application()
# Else the first request would wait for it.
import_module(settings.ROOT_URLCONF)
# It has models, for which Django must be set up.
_auth = import_module("recommender.api.auth")
_known_catalog: Callable[[str], int | None] = _auth.known_catalog
database.limit_statements(settings.STATEMENT_SECONDS)
answer_log.writer.start()
if settings.TRACES:
    import_module("recommender.telemetry").start("web")


_threads, _sign_ins, _bodies = Threads(), Threads(1, most_waiting=16), Bodies()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request, in a thread: Django and its connections are synchronous.

    Health is answered here, however busy the threads are.
    """
    if scope.get("type") == "lifespan":
        await _live(receive, send)
        return
    headers = dict(scope["headers"])
    request_id = requests.id_of(headers.get(_ID_HEADER, b"").decode("latin-1"))
    if streams.is_stream(scope, headers):
        await _stream(scope, receive, send, request_id)
        return
    began, span = time.perf_counter(), spans.UNTOLD
    try:
        body = await _bodies.read(receive) if _has_body(scope, headers) else b""
        if body is None:
            return
        # What a slow sender takes is not this service's time.
        began, span = time.perf_counter(), _span(scope, headers, request_id)
        try:
            answer = await _answered(scope, body, request_id, span)
        finally:
            _bodies.release(body)
    except Problem as problem:
        answer = _refused(problem)
    _note(scope, answer, time.perf_counter() - began, span, request_id)
    await _start(answer, send, request_id)
    await send({"type": "http.response.body", "body": answer.content})


async def _start(answer: Answer, send: Send, request_id: str) -> None:
    # The embedding endpoints have said it themselves.
    if not any(name.lower() == _ID_HEADER for name, _ in answer.start["headers"]):
        answer.start["headers"].append((_ID_HEADER, request_id.encode()))
    await send(answer.start)


async def _live(receive: Receive, send: Send) -> None:
    """Hear of changed keys from the process's start to its end."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _auth.news.start()
        elif message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(_auth.news.stop)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _span(scope: Message, headers: Mapping[bytes, bytes], request_id: str) -> spans.Root:
    """Of a request whose body is read."""
    if scope["path"] in _WATCHED:
        return spans.UNTOLD
    asked = {"http.request.method": scope["method"], "url.path": scope["path"]}
    return spans.told.request(headers, asked | {"kinship.request_id": request_id})


async def _stream(scope: Message, receive: Receive, send: Send, request_id: str) -> None:
    """Answer a body of any length, which comes by line, piece by piece."""
    span = _span(scope, dict(scope["headers"]), request_id)

    async def ask(piece: bytes, before: Before) -> Answer:
        try:
            return await _answered(scope, piece, request_id, span, before)
        except Problem as problem:
            return _refused(problem)

    with TemporaryFile() as file:
        told = streams.Told(file)
        try:
            answer = await told.take(streams.Body(receive, _bodies), ask)
        except GoneError:
            return
        except Problem as problem:
            answer = _refused(problem)
        # How long it took to come says nothing of this service.
        _count(scope, answer, told.seconds, span)
        await _start(answer, send, request_id)
        if answer.content:
            await send({"type": "http.response.body", "body": answer.content})
        else:
            await told.send(send)


def _note(
    scope: Message, answer: Answer, seconds: float, span: spans.Root, request_id: str
) -> None:
    """Count what was answered; what took long is logged."""
    status = answer.start["status"]
    _count(scope, answer, seconds, span)
    if seconds >= settings.SLOW_SECONDS:
        log.warning(
            "slow request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            seconds=round(seconds, 3),
            request_id=request_id,
            **span.ids,
        )


def _count(scope: Message, answer: Answer, seconds: float, span: spans.Root) -> None:
    status = answer.start["status"]
    requests.count(scope["method"], answer.route, status, seconds)
    told = {"http.route": answer.route, "http.response.status_code": status}
    span.end(f"{scope['method']} {answer.route}", told, is_failed=status >= 500)


def _signs_in(scope: Message) -> bool:
    return (scope["method"], scope["path"]) == _SIGN_IN


def _has_body(scope: Message, headers: Mapping[bytes, bytes]) -> bool:
    """Whether there is one to read: none that is too large and waits to be asked for."""
    if declared := headers.get(b"content-length"):
        is_asked_for = b"expect" not in headers
        return is_asked_for or int(declared) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    # HTTP/2 says the length of each frame, and may leave that of the whole out.
    is_framed = scope["http_version"] == "2" and scope["method"] in _WITH_BODY
    return is_framed or b"transfer-encoding" in headers


async def _answered(
    scope: Message, body: bytes, request_id: str, span: spans.Root, before: Before = _WHOLE
) -> Answer:
    members = environ(scope, body)
    members |= {requests.ID: request_id, lines.BEFORE: before, _SPAN: span}
    if scope["path"] == _HEALTH:
        return _answer(members)
    seconds = _READY_SECONDS if scope["path"] == _READY else settings.ANSWER_SECONDS
    threads = _sign_ins if _signs_in(scope) else _threads
    return await threads.run(_answer, members, seconds=seconds, caller=_caller(members))


def _caller(members: dict[str, Any]) -> Hashable:
    """Whose turn a request takes: its catalog's, its key's where that is not known yet, or its
    address's."""
    key = members.get("HTTP_AUTHORIZATION")
    return members["REMOTE_ADDR"] if key is None else _known_catalog(key) or key


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


def _answer(members: dict[str, Any]) -> Answer:
    """Django's answer."""
    start: Message = {"type": "http.response.start"}

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        start["status"] = int(status.split(" ", 1)[0])
        start["headers"] = _encoded(headers)

    span: spans.Root = members[_SPAN]
    request_id = members[requests.ID]
    with span.current(), structlog.contextvars.bound_contextvars(request_id=request_id, **span.ids):
        response = _handler(members, start_response)
        try:
            content = b"".join(response)
        finally:
            response.close()
    return Answer(start, content, members.get(requests.ROUTE, requests.NO_ROUTE))


def _refused(problem: Problem) -> Answer:
    """An answer that Django had no part in."""
    response = problems.respond(problem)
    headers = [*response.items(), ("Content-Length", str(len(response.content)))]
    start = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": _encoded(headers),
    }
    return Answer(start, response.content)


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
