import socket
import threading
from collections.abc import Iterator

import pytest

from recommender.stack.supervisor import Probe
from tests.threads import wait_until


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port that takes connections; nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_web_that_is_silent_several_times_in_a_row_hangs(listening: socket.socket) -> None:
    host, port = listening.getsockname()
    probe = Probe(f"http://{host}:{port}", seconds=0, most=2)

    assert [probe.finds_it_hanging() for _ in range(3)] == [False, True, False]


def test_an_answer_between_forgives_a_silence(listening: socket.socket) -> None:
    host, port = listening.getsockname()
    probe = Probe(f"http://{host}:{port}", seconds=0, most=2)

    def answer_second() -> None:
        silent, _ = listening.accept()
        answered, _ = listening.accept()
        answered.recv(1000)
        answered.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        answered.close()
        silent.close()

    thread = threading.Thread(target=answer_second)
    thread.start()

    assert [probe.finds_it_hanging() for _ in range(3)] == [False, False, False]
    wait_until(lambda: not thread.is_alive())


def test_it_asks_only_when_it_is_time(listening: socket.socket) -> None:
    host, port = listening.getsockname()

    assert not Probe(f"http://{host}:{port}", seconds=60, most=1).finds_it_hanging()
