"""A small HTTP load generator: keep-alive connections, one request at a time on each.

It shares the machine with what it measures, so it does next to nothing: requests are ready-made
bytes, and of an answer it reads the status and the length.
"""

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import cycle
from urllib.parse import urlsplit

_READ = 1 << 16
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LONGEST = 60.0  # seconds without any answer


class LoadError(RuntimeError):
    """The server gave up a connection, or answered with something else than 200."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: its length, how long each answer took, and the processor time of the service for
    all of them, in seconds; None where that is not known."""

    seconds: float
    latencies: Sequence[float]
    processor: float | None = None

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


@dataclass(slots=True)
class _Connection:
    """A socket with one request under way."""

    socket: socket.socket
    started: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.answer.clear()
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take in what has come; whether the answer is all there."""
        data = self.socket.recv(_READ)
        if not data:
            raise LoadError("The server closed a connection in the middle of a round.")
        self.answer += data
        head, separator, body = self.answer.partition(b"\r\n\r\n")
        if not separator:
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise LoadError(f"Not a 200: {self.answer[:500].decode(errors='replace')}")
        length = _LENGTH.search(head)
        # Without a length it comes in chunks; JSON holds no bare line ends, so this is the last.
        return len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)


def request(url: str, path: str, key: str) -> bytes:
    """A GET as it goes over the wire."""
    host = urlsplit(url).netloc
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}", "", "")
    return "\r\n".join(lines).encode()


def run(url: str, requests: Sequence[bytes], *, connections: int, seconds: float) -> Sample:
    """Send requests, over and over, for so long; answers that come later do not count.

    Raises:
        LoadError: an answer was not a 200.
    """
    waiting = cycle(requests)
    opened = [_Connection(_connect(url)) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        try:
            for connection in opened:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(next(waiting))
            return _drive(selector, waiting, seconds)
        finally:
            for connection in opened:
                connection.socket.close()


def fetch(url: str, paths: Sequence[str], key: str) -> list[bytes]:
    """The bodies of the answers to GETs of these paths, one after the other.

    Raises:
        LoadError: an answer was not a 200.
    """
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_LONGEST)
    bodies = []
    with closing(connection):
        for path in paths:
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            bodies.append(answer.read())
            if answer.status != HTTPStatus.OK:
                raise LoadError(f"{path} was answered with {answer.status}: {bodies[-1]!r}")
    return bodies


def _drive(selector: selectors.BaseSelector, waiting: Iterator[bytes], seconds: float) -> Sample:
    latencies: list[float] = []
    started = now = time.perf_counter()
    while now - started < seconds:
        ready = selector.select(_LONGEST)
        if not ready:
            raise LoadError(f"No answer within {_LONGEST:.0f} s.")
        for key, _ in ready:
            connection: _Connection = key.data
            if connection.receive():
                latencies.append(time.perf_counter() - connection.started)
                connection.send(next(waiting))
        now = time.perf_counter()
    return Sample(now - started, latencies)


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connected = socket.create_connection((parts.hostname, parts.port), timeout=_LONGEST)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
