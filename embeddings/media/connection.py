"""Connections for fetching what products name: to checked addresses, and within a time limit."""

import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpcore

from embeddings.media import addresses
from embeddings.media.addresses import Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """Seconds: for a connection, for a silence while reading, and for everything together."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 20.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock that nothing may wait beyond."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def cap(self, seconds: float | None) -> float:
        """A time limit that ends at the deadline at the latest.

        Raises:
            httpcore.ReadTimeout: it has passed.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it took too long as a whole")
        return left if seconds is None else min(seconds, left)


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves a host itself and connects to exactly the addresses it has checked.

    So no second look-up can lead elsewhere (DNS rebinding), while the name in the URL still is
    what TLS verifies.
    """

    def __init__(
        self, deadline: Deadline, allowed_hosts: frozenset[str], resolve: Resolver
    ) -> None:
        """`allowed_hosts`: names, in lower case, that need not be public."""
        self._deadline = deadline
        self._allowed_hosts = allowed_hosts
        self._resolve = resolve
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers.

        Raises:
            Rejected: one of them is not public.
            Unavailable: the host could not be resolved.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        allowed = host.lower() in self._allowed_hosts
        find = addresses.resolved if allowed else addresses.public_addresses
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in find(host, port, self._resolve):
            seconds = self._deadline.cap(timeout)
            try:
                stream = self._inner.connect_tcp(
                    address, port, seconds, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A stream none of whose operations ends after the deadline.

    A client's own read timeout begins anew with every byte: a server that drips them, be it in
    the headers, would hold a worker for days.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.cap(timeout)
        return _TimedStream(
            self._inner.start_tls(ssl_context, server_hostname, seconds), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
