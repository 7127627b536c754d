import socket
import threading
from collections.abc import Iterator

import pytest

from recommender.stack.supervisor import Probe


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port that takes connections; nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_web_that_is_silent_several_times_in_a_row_hangs(listening: socket.socket) -> None:
    host, port = listening.getsockname()
    probe = Probe(f"http://{host}:{port}", seconds=0, patience=0.1, most=2)

    assert [probe.finds_it_hanging() for _ in range(3)] == [False, True, False]


def test_an_answer_between_forgives_a_silence(listening: socket.socket) -> None:
    host, port = listening.getsockname()
    probe = Probe(f"http://{host}:{port}", seconds=0, patience=30, most=2)

    def answer_second() -> None:
        for number in range(4):
            connection, _ = listening.accept()
            with connection:
                if number == 1:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=answer_second)
    thread.start()

    assert [probe.finds_it_hanging() for _ in range(4)] == [False, False, False, True]
    thread.join()


def test_it_asks_only_when_it_is_time(listening: socket.socket) -> None:
    host, port = listening.getsockname()

    assert not Probe(f"http://{host}:{port}", seconds=60, most=1).finds_it_hanging()
