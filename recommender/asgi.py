"""The application that granian serves: Django's WSGI handler, told the address as it was sent.

Over WSGI, granian gives the decoded path alone, and `%2F` in an id cannot be told from a slash.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from recommender import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Two, so that a slow request stops no process; more only contend for the interpreter: with four,
# similar products answer 6 % less often and their 99th percentile is no better. Each may hold a
# connection to the database.
_threads = ThreadPoolExecutor(2, thread_name_prefix="web")
_handler = get_wsgi_application()
# Else the first request would wait for it.
import_module(settings.ROOT_URLCONF)
database.limit_statements(settings.STATEMENT_SECONDS)


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Answer one request, in a thread: Django and its connections are synchronous."""
    body = await _read(scope, receive)
    if body is None:
        return
    loop = asyncio.get_running_loop()
    start, content = await loop.run_in_executor(_threads, _answer, environ(scope, body))
    await send(start)
    await send({"type": "http.response.body", "body": content})


async def _read(scope: Message, receive: Receive) -> bytes | None:
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
        start["headers"] = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]

    response = _handler(members, start_response)
    try:
        return start, b"".join(response)
    finally:
        response.close()
