"""Whether the web's port is free, and who has it."""

import errno
import socket

import psutil

from recommender.stack.errors import StackError


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
