"""A small HTTP load generator: keep-alive connections, one request at a time on each.

It shares the machine with what it measures, so it does next to nothing: requests are ready-made
bytes, and of an answer it reads the status and the length.
"""

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from urllib.parse import urlsplit

_READ = 1 << 16
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")
_RETRY_AFTER = re.compile(rb"\r\nretry-after:", re.IGNORECASE)
_CLOSED = 0  # the status of what was not answered
_LONGEST = 60.0  # seconds without any answer


class LoadError(RuntimeError):
    """The server gave up a connection, or answered with an error."""


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


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request was answered.

    Attributes:
        due: when it was to be sent, in seconds since the first was.
        latency: seconds from then to the end of the answer.
        status: of HTTP; 0 where the server closed the connection.
        says_when: whether it has a Retry-After.
    """

    due: float
    latency: float
    status: int
    says_when: bool

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked for."""
        return 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether it says that too much is asked."""
        return self.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(slots=True, eq=False)
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
        length = _LENGTH.search(head)
        # Without a length it comes in chunks; JSON holds no bare line ends, so this is the last.
        return len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)

    @property
    def status(self) -> int:
        """That of the answer."""
        status = _STATUS.match(self.answer)
        return int(status[1]) if status else _CLOSED

    @property
    def says_when(self) -> bool:
        """Whether the answer says when to come again."""
        return _RETRY_AFTER.search(self.answer) is not None


def request(url: str, path: str, key: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Authorization: Bearer {key}",
        *([f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(url: str, requests: Iterator[bytes], *, connections: int, seconds: float) -> Sample:
    """Send requests, each connection its next when it has its answer, for so long.

    Answers that come later do not count.

    Raises:
        LoadError: an answer was an error, or the server closed a connection.
    """
    opened = [_Connection(connect(url)) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        try:
            for connection in opened:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(next(requests))
            return _drive(selector, requests, seconds)
        finally:
            for connection in opened:
                connection.socket.close()


def paced(
    url: str, requests: Iterator[bytes], *, per_second: float, seconds: float, connections: int
) -> list[Answer]:
    """Send requests at a steady rate for so long, whether or not those before are answered.

    Args:
        connections: at most; with more requests under way, what is due waits, and is the later
            for it.

    Returns:
        An answer of each, in the order they came.
    """
    with selectors.DefaultSelector() as selector:
        pacer = _Pacer(url, requests, connections, selector)
        try:
            pacer.drive(per_second, seconds)
        finally:
            pacer.close()
    return pacer.answers


class _Pacer:
    """Connections that take requests as these become due."""

    def __init__(
        self,
        url: str,
        requests: Iterator[bytes],
        connections: int,
        selector: selectors.BaseSelector,
    ) -> None:
        self.answers: list[Answer] = []
        self._url, self._requests, self._most = url, requests, connections
        self._selector = selector
        self._idle: list[_Connection] = []
        self._busy: dict[_Connection, float] = {}
        self._due: deque[float] = deque()
        self._began = time.perf_counter()

    def drive(self, per_second: float, seconds: float) -> None:
        """Send what is due until the end, then wait for what is under way."""
        number, last = 0, round(per_second * seconds)
        while number < last or self._busy or self._due:
            now = self._now()
            while number < last and number / per_second <= now:
                self._due.append(number / per_second)
                number += 1
            while self._due and (self._idle or len(self._busy) < self._most):
                self._send(self._due.popleft())
            if now > seconds + _LONGEST:
                break
            pause = max(0.0, number / per_second - now) if number < last else _LONGEST
            for key, _ in self._selector.select(pause):
                self._receive(key.data)
        for due in [*self._busy.values(), *self._due]:
            self.answers.append(Answer(due, self._now() - due, _CLOSED, says_when=False))

    def close(self) -> None:
        """Close all connections."""
        for connection in [*self._idle, *self._busy]:
            connection.socket.close()

    def _send(self, due: float) -> None:
        connection = self._idle.pop() if self._idle else self._opened()
        self._busy[connection] = due
        try:
            connection.send(next(self._requests))
        except OSError:
            self._note(connection, _CLOSED)

    def _receive(self, connection: _Connection) -> None:
        try:
            is_whole = connection.receive()
        except (LoadError, OSError):
            self._note(connection, _CLOSED)
        else:
            if is_whole:
                self._note(connection, connection.status)

    def _note(self, connection: _Connection, status: int) -> None:
        due = self._busy.pop(connection, None)
        if due is not None:
            says_when = connection.says_when
            self.answers.append(Answer(due, self._now() - due, status, says_when))
        if status != _CLOSED:
            self._idle.append(connection)
            return
        self._selector.unregister(connection.socket)
        connection.socket.close()
        if connection in self._idle:
            self._idle.remove(connection)

    def _opened(self) -> _Connection:
        connection = _Connection(connect(self._url))
        self._selector.register(connection.socket, selectors.EVENT_READ, connection)
        return connection

    def _now(self) -> float:
        return time.perf_counter() - self._began


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
                if not 200 <= connection.status < 300:
                    text = connection.answer[:500].decode(errors="replace")
                    raise LoadError(f"Not a 200: {text}")
                latencies.append(time.perf_counter() - connection.started)
                connection.send(next(waiting))
        now = time.perf_counter()
    return Sample(now - started, latencies)


def connect(url: str) -> socket.socket:
    """A connection to the server, which waits a minute for anything."""
    parts = urlsplit(url)
    connected = socket.create_connection((parts.hostname, parts.port), timeout=_LONGEST)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected
