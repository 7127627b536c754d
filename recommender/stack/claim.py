"""One supervisor per data directory, and one service per port."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from recommender.stack.config import StackError
from recommender.stack.embedded import ensure_data_dir
from recommender.stack.processes import (
    ProcessRecord,
    ServiceRecord,
    end_sessions,
    read_record,
    try_lock,
)
from recommender.stack.service import Service


def check_port(host: str, port: int) -> None:
    """Check that the web can listen there.

    Raises:
        StackError: the port is taken or not allowed, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Not SO_REUSEPORT: granian sets it, and two services would share the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as exc:
        raise StackError(_explain(exc, host, port)) from exc


def _explain(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken{_by_whom(port)}. Stop that, or choose another port: "
            f"manage.py up --port {port + 1}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs root. Choose one above 1023: manage.py up --port 8000"
    return f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --host or --port."


def _by_whom(port: int) -> str:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return ""
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        if listens and connection.pid is not None:
            return f" by process {connection.pid}{_name(connection.pid)}"
    return ""


def _name(pid: int) -> str:
    try:
        return f" ({psutil.Process(pid).name()})"
    except psutil.NoSuchProcess:
        return ""


_LEFTOVER_GRACE = 20.0


class AlreadyRunningError(StackError):
    """Another process supervises this data directory's service."""


@contextmanager
def claimed(service: Service) -> Iterator[int]:
    """Hold the data directory for one service; yields the lock's descriptor.

    Ends what a killed supervisor left running. A process that is given the descriptor keeps
    the claim when this one lets go.

    Raises:
        AlreadyRunningError: the service runs already.
        StackError: the web's port is not free.
    """
    ensure_data_dir(service.config)
    layout = service.config.layout
    descriptor = try_lock(layout.run / "supervisor.lock")
    if descriptor is None:
        record = read_record(layout)
        raise AlreadyRunningError(
            f"Kinship is already running at {record.url if record else 'this data directory'}. "
            "Stop it with: manage.py down"
        )
    try:
        end_leftovers(service)
        check_port(service.host, service.port)
        own = ProcessRecord.of(os.getpid())
        ServiceRecord(supervisor=own, url=service.url).write(layout)
        yield descriptor
    finally:
        os.close(descriptor)


def end_leftovers(service: Service) -> None:
    """End the processes of a service whose supervisor was killed."""
    if record := read_record(service.config.layout):
        end_sessions([(child, _LEFTOVER_GRACE) for child in record.children.values()])
