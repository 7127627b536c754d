import os
import socket
from collections.abc import Iterator

import pytest

from recommender.stack import StackError
from recommender.stack.launch import check_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # as granian does
            server.setsockopt(socket.SOL_SOCKET, option, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_taken_port_is_named_with_its_holder_and_another_to_try(listener):
    port = listener.getsockname()[1]
    with pytest.raises(StackError, match=f"Port {port} is taken by process {os.getpid()}") as error:
        check_port("127.0.0.1", port)
    assert f"./kinship up --port {port + 1}" in str(error.value)


def test_a_port_is_free_again_once_its_holder_has_gone(listener):
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        listener.accept()[0].close()  # leaves a connection in TIME_WAIT
    listener.close()
    check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(StackError, match=r"Cannot listen on 192\.0\.2\.1:8000.*--host"):
        check_port("192.0.2.1", 8000)
