"""The embedded Valkey server: the broker where none is given."""

import socket
import time
from pathlib import Path

import psutil

from recommender.stack.account import Account, claim_directory, claim_file, valkey_server
from recommender.stack.config import Layout, StackError
from recommender.stack.processes import find_recorded, kill, terminate, wait_for_end
from recommender.stack.program import log_tail, run_program

_START_SECONDS = 60  # reading a large append-only file back takes a while
_RECORD_SECONDS = 5
_STOP_SECONDS = 5
_POLL = 0.02


def running(layout: Layout) -> psutil.Process | None:
    """The server of this data directory, if it runs."""
    try:
        text = _pid_file(layout).read_text(errors="replace")
    except FileNotFoundError:
        return None
    process = find_recorded(text)
    return process if process is not None and _serves(process, layout) else None


def ready(layout: Layout) -> bool:
    """Whether the server answers; while it reads its data back, it does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(layout.valkey_socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def launch(layout: Layout, account: Account) -> None:
    """Start the server in the background, unless somebody has begun to.

    Raises:
        StackError: it refuses its options, or cannot listen or write its data.
    """
    if running(layout) is not None:
        return
    claim_directory(layout.valkey, account)
    log = layout.log("valkey")
    claim_file(log, account)
    _pid_file(layout).unlink(missing_ok=True)
    try:
        started = run_program(valkey_server(), _options(layout), account, log) == 0
        recorded = started and _is_recorded(layout)
    except KeyboardInterrupt:
        _is_recorded(layout)  # it could not be stopped before it can be found
        raise
    if not recorded:
        raise _did_not_start(layout)


def await_start(layout: Layout) -> None:
    """Wait until the server answers.

    Raises:
        StackError: it ended, or took too long.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not ready(layout):
        if running(layout) is None or time.monotonic() > deadline:
            raise _did_not_start(layout)
        time.sleep(_POLL)


def request_stop(layout: Layout) -> psutil.Process | None:
    """Tell the server to write what it holds and end; the process to wait for."""
    process = running(layout)
    if process is not None:
        terminate(process)
    return process


def await_stop(process: psutil.Process) -> None:
    """Wait for the end; where it takes too long, kill it: at most a second of work is lost."""
    if not wait_for_end([process], _STOP_SECONDS):
        kill([process])


def _options(layout: Layout) -> list[str]:
    return [
        *("--daemonize", "yes", "--port", "0"),
        *("--unixsocket", str(layout.valkey_socket), "--unixsocketperm", "700"),
        *("--pidfile", str(_pid_file(layout)), "--logfile", str(layout.log("valkey"))),
        # Queued work survives a restart, and is refused rather than evicted when memory ends.
        *("--dir", str(layout.valkey), "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", "", "--maxmemory-policy", "noeviction"),
    ]


def _pid_file(layout: Layout) -> Path:
    return layout.valkey / "valkey.pid"


def _is_recorded(layout: Layout) -> bool:
    """Wait until the server, which has gone to the background, writes its process number."""
    deadline = time.monotonic() + _RECORD_SECONDS
    while running(layout) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def _serves(process: psutil.Process, layout: Layout) -> bool:
    """Whether a process is a server of this directory: its number may have been reused."""
    try:
        return process.name() == "valkey-server" and process.cwd() == str(layout.valkey)
    except psutil.Error:
        return False


def _did_not_start(layout: Layout) -> StackError:
    log = layout.log("valkey")
    return StackError(
        "The embedded Valkey did not start. Set BROKER_URL to use your own Redis, "
        f"Valkey or RabbitMQ. {log} ends:\n{log_tail(log)}"
    )
