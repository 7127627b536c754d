"""Running a service, in this process or detached from it: one a data directory, and one a port."""

import errno
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

import psutil

from recommender.stack.config import PROJECT_DIR, Layout, StackError
from recommender.stack.embedded import ensure_data_dir, stop
from recommender.stack.preparation import prepare
from recommender.stack.processes import (
    ProcessRecord,
    StopSignals,
    end_sessions,
    try_lock,
)
from recommender.stack.program import log_tail, open_log
from recommender.stack.record import ServiceRecord, lock_path, read_record, remove_record
from recommender.stack.service import Service
from recommender.stack.supervisor import Supervisor
from recommender.stack.takedown import take_down


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
            f"./kinship up --port {port + 1}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs root. Choose one above 1023: ./kinship up --port 8000"
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
    descriptor = try_lock(lock_path(layout))
    if descriptor is None:
        record = read_record(layout)
        raise AlreadyRunningError(
            f"Kinship is already running at {(record and record.url) or 'this data directory'}. "
            "Stop it with: ./kinship down"
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


def run_stack(
    service: Service,
    *,
    before_start: Callable[[], None] = lambda: None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run a service in this process until a signal, then stop all of it, servers too.

    Args:
        before_start: called when the database is migrated, before web, worker and beat start.
        on_ready: called when the service answers.

    Raises:
        AlreadyRunningError: the service runs already.
        KeyboardInterrupt: Ctrl-C ended it; everything has stopped.
        StackError: it cannot run.
    """
    layout = service.config.layout
    with StopSignals() as signals, claimed(service), _supervisor_log(layout):
        try:
            with signals.interruptible():
                prepare(service.config)
                before_start()
            Supervisor(service, signals, on_ready).run()
        finally:
            stop(service.config)
            remove_record(layout)
    if signals.received == signal.SIGINT:
        raise KeyboardInterrupt


def start_detached(service: Service) -> None:
    """Start a service that goes on after this process; returns when it answers.

    Raises:
        AlreadyRunningError: the service runs already.
        KeyboardInterrupt: broken off; everything has stopped.
        StackError: it cannot run; everything has stopped.
    """
    with StopSignals() as signals, claimed(service) as lock, ExitStack() as undo:
        undo.callback(take_down, service.config)
        with signals.interruptible():
            prepare(service.config)
            failure = _hand_over(service, lock)
        if failure is not None:
            raise StackError(failure)
        undo.pop_all()


def _hand_over(service: Service, lock: int) -> str | None:
    """Start the detached supervisor, which takes the lock over; why it failed, if it did."""
    receiving, reporting = os.pipe()
    log = service.config.layout.log("supervisor")
    with os.fdopen(receiving) as report, open_log(log) as output:
        # S603: this interpreter and a module of this package, no shell
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "recommender.stack.detached", str(reporting)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_DIR,
            pass_fds=(lock, reporting),
            start_new_session=True,
            umask=0o077,
            text=True,
        )
        os.close(reporting)
        try:
            with process.stdin or report as order:
                # Not as arguments: the URLs may hold passwords, and anybody can list those.
                json.dump(asdict(service), order, default=str)
            answer = report.read()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if not answer:
        return f"The supervisor ended unexpectedly. {log} ends:\n{log_tail(log)}"
    failure: str | None = json.loads(answer)["failure"]
    return failure


@contextmanager
def _supervisor_log(layout: Layout) -> Iterator[None]:
    """Write what the stack logs to its file too."""
    log = layout.log("supervisor")
    open_log(log).close()
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("recommender.stack")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
