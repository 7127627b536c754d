"""The service under test: the web or the worker, started as `./kinship up` starts it."""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from benchmarks import load
from recommender.stack import StackConfig, StackError, postgres, stop
from recommender.stack.launch import claimed
from recommender.stack.preparation import prepare
from recommender.stack.processes import end_sessions
from recommender.stack.program import log_tail
from recommender.stack.record import remove_record
from recommender.stack.service import Child, Service, child_specs

_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_POLL = 0.1


@contextmanager
def stack(config: StackConfig) -> Iterator[Service]:
    """The embedded servers of a data directory, with all tables; stopped at the end.

    Raises:
        StackError: they cannot run, or somebody else runs them.
    """
    service = Service(config=config, host=_HOST, port=_free_port())
    with claimed(service):
        try:
            prepare(config)
            yield service
        finally:
            stop(config)
            remove_record(config.layout)


@dataclass(frozen=True, slots=True)
class Web:
    """The web, answering, and PostgreSQL below it."""

    url: str
    processes: tuple[psutil.Process, ...]

    def processor_seconds(self) -> float:
        """The processor time that both have taken, user and system, with all they started.

        Without what has ended meanwhile, as a worker of autovacuum does.
        """
        family = [child for root in self.processes for child in root.children(recursive=True)]
        seconds = 0.0
        for process in (*self.processes, *family):
            with suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                seconds += used.user + used.system
        return seconds


@contextmanager
def web(service: Service) -> Iterator[Web]:
    """The web, answering.

    Raises:
        StackError: it does not answer.
    """
    spec = next(spec for spec in child_specs(service) if spec.name == "web")
    environment = os.environ | {"KINSHIP_DATA_DIR": str(service.config.data_dir)}
    child = Child(spec, environment)
    child.tend()
    try:
        _await(service, child)
        yield Web(service.url, tuple(_processes(service, child)))
    finally:
        if child.record is not None:
            end_sessions([(child.record, spec.grace)])


@contextmanager
def worker(service: Service, variables: Mapping[str, str]) -> Iterator[None]:
    """The worker, with these environment variables; it may not yet take tasks."""
    spec = next(spec for spec in child_specs(service) if spec.name == "worker")
    environment = {
        **os.environ,
        "KINSHIP_DATA_DIR": str(service.config.data_dir),
        **variables,
    }
    child = Child(spec, environment)
    child.tend()
    try:
        yield
    finally:
        if child.record is not None:
            end_sessions([(child.record, spec.grace)])


def _processes(service: Service, web: Child) -> Iterator[psutil.Process]:
    if web.record is not None:
        yield psutil.Process(web.record.pid)
    if (database := postgres.running(service.config.layout)) is not None:
        yield database


def _await(service: Service, child: Child) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and not child.crashes:
        try:
            load.fetch(service.url, ["/healthz"], "")
        except OSError:
            time.sleep(_POLL)
            child.tend()
        else:
            return
    log = child.spec.log
    raise StackError(f"The web does not answer. {log} ends:\n{log_tail(log)}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
