"""A receiver of webhooks on this machine, which may answer as badly as any."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Post:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers by path: a status, or nothing before it closes where the path is among `slow`."""

    port: int
    answers: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    posts: list[Post] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def address(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that is up within the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    receiver: Receiver
    daemon_threads = False  # so that closing waits for their sockets

    def handle_error(self, request: object, client_address: object) -> None:
        """Its senders hang up on it, as they should."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        told = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told.posts.append(Post(self.path, dict(self.headers.items()), body))
        if self.path in told.slow and told.closing.wait(20):
            return
        self.send_response(told.answers.get(self.path, 204))
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if told.answers.get(self.path):
            self.wfile.write(b"Thus it is.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Tests need no access log."""
