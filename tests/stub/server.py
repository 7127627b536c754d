"""The stub's HTTP server: one thread a connection, kept alive."""

import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from tests.stub.behaviour import Cut
from tests.stub.record import Call, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes over the wire after `delay` seconds; the caller pays for `rows`."""

    status: int
    body: bytes
    rows: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: Cut = Cut.NEVER

    @property
    def is_whole(self) -> bool:
        return self.cut is Cut.NEVER

    @property
    def is_paid(self) -> bool:
        return self.is_whole and self.status == 200


class Server(ThreadingHTTPServer):
    """Answers posts with what `answer` makes of them, None being a 404, and counts the answers."""

    request_queue_size = 1024
    # Joined when the server closes, so that no socket outlives the stub.
    daemon_threads = False

    def __init__(
        self,
        address: tuple[str, int],
        record: Record,
        answer: Callable[[Call], Answer | None],
        wait: Callable[[float], object],
    ) -> None:
        """`wait` is called with the seconds that an answer is delayed."""
        self.record = record
        self.answer = answer
        self.wait = wait
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for connection in list(self._open):
            # A thread that waits for the next request of a kept connection now reads its end.
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # its client was faster
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up: that is part of the game."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        call = Call(
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            _decoded(self.rfile.read(length)),
            self.client_address[1],
        )
        answer = self.server.answer(call)
        if answer is None:
            self._send(Answer(status=404, body=b'{"detail":"Not Found"}'))
            return
        self.server.wait(answer.delay)
        # Before it is sent, so that whoever has the answer finds it counted.
        self.server.record.answered(
            answer.status if answer.is_whole else 0, answer.rows if answer.is_paid else ()
        )
        self._send(answer)

    def do_GET(self) -> None:
        """The counts, for whoever runs the stub as a process of its own."""
        self._send(Answer(status=200, body=to_json(self.server.record.summary())))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing."""

    def _send(self, answer: Answer) -> None:
        if not answer.is_whole:
            self.close_connection = True
        if answer.cut is Cut.BEFORE_HEADERS:
            return
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        is_cut = answer.cut is Cut.AFTER_HEADERS
        self.wfile.write(answer.body[: len(answer.body) // 2] if is_cut else answer.body)
        self.wfile.flush()


def _decoded(body: bytes) -> Any:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def to_json(body: Any) -> bytes:
    """JSON of anything the stub sends; arrays are lists, NaN is null."""
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
