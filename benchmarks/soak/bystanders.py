"""Clients that ask for little and take long, in threads of their own while others are measured."""

import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import load
from benchmarks.soak.mix import Mix

_IDLE = 1_000
_SLOW = 8
_BODY = 20 * 1024**2
_STEP = 0.1  # seconds


@contextmanager
def nobody(_mix: Mix, _seconds: float) -> Iterator[None]:
    """To compare with."""
    yield


@contextmanager
def slow_clients(mix: Mix, _seconds: float) -> Iterator[None]:
    """Clients that send their requests, and read their answers, ten bytes a second."""
    request = load.request(mix.url, "/v1/products?limit=100", mix.key)

    def drip(connection: socket.socket, ended: threading.Event) -> None:
        for byte in request:
            if ended.wait(_STEP):
                return
            connection.sendall(bytes([byte]))
        while not ended.wait(_STEP) and connection.recv(1):
            pass

    with _at_it(mix, _SLOW, drip):
        yield


@contextmanager
def idle_connections(mix: Mix, _seconds: float) -> Iterator[None]:
    """A thousand connections that say nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(_IDLE):
            stack.enter_context(load.connect(mix.url))
        yield


@contextmanager
def dripping_body(mix: Mix, seconds: float) -> Iterator[None]:
    """A body of 20 MB that takes as long to come as the others are measured."""
    body = b"[" + b" " * (_BODY - 2) + b"]"
    whole = load.request(mix.url, "/v1/products/bulk", mix.key, "POST", body)
    piece = 1 + int(len(whole) * _STEP / seconds)

    def drip(connection: socket.socket, ended: threading.Event) -> None:
        for start in range(0, len(whole), piece):
            if ended.wait(_STEP):
                return
            connection.sendall(whole[start : start + piece])

    with _at_it(mix, 1, drip):
        yield


@contextmanager
def _at_it(
    mix: Mix, number: int, work: Callable[[socket.socket, threading.Event], None]
) -> Iterator[None]:
    """So many threads with a connection each, until the block ends."""
    ended = threading.Event()

    def run() -> None:
        with load.connect(mix.url) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                work(connection, ended)
            except OSError:
                return  # the server may end what takes too long

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
