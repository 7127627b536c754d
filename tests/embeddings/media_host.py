"""A host of pictures and feeds on this machine, which may answer as badly as any."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, at once or `drip` bytes at a time with a pause after each."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: int = 0


class MediaHost:
    """Serves what is put on it, and only if it has changed where it has an ETag or a time.

    `hosts` and `headers` are those of requests, `served` how often content was sent.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._port = server.server_address[1]
        self.answers: dict[str, Answer] = {}
        self.hosts: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.served = 0
        self.closing = threading.Event()

    def put(self, path: str, answer: Answer | bytes) -> str:
        """Serve this from now on; its address."""
        self.answers[path] = answer if isinstance(answer, Answer) else Answer(answer)
        return self.address(path)

    def address(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._port}{path}"


@contextmanager
def media_host() -> Iterator[MediaHost]:
    """A host that is up within the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.host = MediaHost(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.host
    finally:
        server.host.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    host: MediaHost
    daemon_threads = False  # so that closing waits for their sockets
    request_queue_size = 64  # a full one costs a second for each connection

    def handle_error(self, request: object, client_address: object) -> None:
        """Its visitors hang up on it, as they should."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        host = self.server.host
        host.hosts.append(self.headers["Host"])
        host.headers.append(dict(self.headers.items()))
        answer = host.answers.get(self.path, Answer(status=404))
        if self._has(answer):
            answer = Answer(status=304)
        host.served += answer.status == 200
        head = f"HTTP/1.1 {answer.status} Thus\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in answer.headers.items()
        )
        sent = head.encode() + b"Connection: close\r\n\r\n" + answer.body
        step = answer.drip or len(sent)
        for start in range(0, len(sent), step):
            self.wfile.write(sent[start : start + step])
            self.wfile.flush()
            if answer.drip and host.closing.wait(0.02):
                return

    def _has(self, answer: Answer) -> bool:
        """Whether the visitor has it already."""
        if tag := self.headers["If-None-Match"]:
            return answer.headers.get("ETag") == tag
        since = self.headers["If-Modified-Since"]
        return since is not None and answer.headers.get("Last-Modified") == since

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Tests need no access log."""
