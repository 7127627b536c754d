from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread
from time import sleep

import pytest

from benchmarks import load
from benchmarks.load import LoadError


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names, 0 being none; `/slow` takes a while."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            sleep(0.3)
        status = int(self.path[1:]) if self.path[1:].isdecimal() else 200
        if not status:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if status == 503:
            self.send_header("Retry-After", "5")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asking(url: str, *paths: str) -> Iterator[bytes]:
    return cycle([load.request(url, path, "key") for path in paths])


def test_paced_load_counts_answers_refusals_and_closed_connections(url: str) -> None:
    answers = load.paced(
        url, asking(url, "/200", "/503", "/429", "/0"), per_second=80, seconds=0.5, connections=10
    )

    assert Counter(answer.status for answer in answers) == {200: 10, 503: 10, 429: 10, 0: 10}
    assert sum(answer.is_good for answer in answers) == 10
    assert sum(answer.is_refusal for answer in answers) == 20
    assert {answer.status for answer in answers if answer.says_when} == {503}


def test_what_has_to_wait_for_a_connection_is_late_from_when_it_was_due(url: str) -> None:
    answers = load.paced(url, asking(url, "/slow"), per_second=40, seconds=0.1, connections=1)

    assert [round(answer.due, 3) for answer in answers] == [0.0, 0.025, 0.05, 0.075]
    assert answers[-1].latency > 4 * 0.3 - 0.1


def test_a_round_ends_at_an_error(url: str) -> None:
    assert load.run(url, asking(url, "/202"), connections=2, seconds=0.1).per_second > 0
    with pytest.raises(LoadError, match="503"):
        load.run(url, asking(url, "/503"), connections=2, seconds=0.1)
