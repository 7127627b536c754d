"""What `up` runs besides the servers: web, worker and beat, each started again when it ends."""

import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recommender.stack import archive, machine
from recommender.stack.account import Account, current
from recommender.stack.config import PROJECT_DIR, StackConfig
from recommender.stack.processes import ProcessRecord, end_sessions
from recommender.stack.program import identity, open_log
from recommender.stack.record import read_record

_LISTEN_ON_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - mapped away
_MOST_WEB_PROCESSES = 8
_MOST_CONNECTIONS = 4096  # a web process; each takes a file descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One running Kinship.

    Args:
        host: the address that the web listens on.
        workers: processes of the Celery worker; None for one per core.
    """

    config: StackConfig
    host: str
    port: int
    workers: int | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches the web."""
        host = _LISTEN_ON_ALL.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A process to keep running.

    Args:
        grace: seconds that it has to end by itself before it is killed.
        is_needed: whether the service is not ready where it keeps ending.
        is_exposed: whether it works with what strangers send, and so has no rights of root.
    """

    name: str
    command: tuple[str, ...]
    log: Path
    grace: float
    is_needed: bool = True
    is_exposed: bool = True


def child_specs(service: Service) -> tuple[ChildSpec, ...]:
    """Web, worker and beat, and where one is wanted what archives the database's log."""
    cores = machine.detect().cores
    layout = service.config.layout
    commands = {
        "web": (_web_command(service, cores), 10.0),
        "worker": (_worker_command(service.workers or cores), 20.0),
        "beat": (_beat_command(), 5.0),
    }
    if service.config.wal_archive is not None:
        commands["archive"] = (archive.command(service.config), 5.0)
    return tuple(
        ChildSpec(
            name=name,
            command=command,
            log=layout.log(name),
            grace=grace,
            is_needed=name != "archive",
            is_exposed=name != "archive",
        )
        for name, (command, grace) in commands.items()
    )


def _web_command(service: Service, cores: int) -> tuple[str, ...]:
    # Each of a process's three threads may hold a connection, and it listens on one: at most 32 of
    # the database's 100.
    processes = min(max(2, cores), _MOST_WEB_PROCESSES)
    return (
        *(sys.executable, "-m", "granian", "--interface", "asgi"),
        # A request costs a fifth less processor time than with the loop of Python's own.
        *("--loop", "uvloop"),
        *("--host", service.host, "--port", str(service.port)),
        *("--workers", str(processes)),
        # Of connections, idle ones too, that are kept: by default a thousand stop all others.
        *("--backlog", str(_MOST_CONNECTIONS), "--backpressure", str(_MOST_CONNECTIONS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5", "--no-ws"),
        *("--static-path-route", "/static"),
        *("--static-path-mount", str(service.config.layout.static)),
        "recommender.asgi:application",
    )


def raise_file_limit() -> None:
    """Let this process and those that it starts have files for so many connections, if they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _MOST_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def worker_spec(config: StackConfig, nodename: str) -> ChildSpec:
    """A Celery worker of this name."""
    command = _worker_command(machine.detect().cores, nodename)
    return ChildSpec(name="worker", command=command, log=config.layout.log("worker"), grace=20.0)


def _worker_command(processes: int, nodename: str = "kinship@%h") -> tuple[str, ...]:
    return (
        # `up` has checked what may be wrong; Django's checks load every page of the API and admin.
        *(sys.executable, "-m", "celery", "-A", "workers", "--skip-checks"),
        *("worker", "--loglevel", "INFO"),
        *("--hostname", nodename, "--concurrency", str(processes)),
        # One worker has nobody to mingle and gossip with: a second sooner ready.
        *("--without-mingle", "--without-gossip"),
    )


def _beat_command() -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "celery", "-A", "workers", "beat", "--loglevel", "INFO"),
        *("--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"),
        # The supervisor knows whether beat runs; a file left by a crash would stop the next one.
        *("--pidfile", ""),
    )


_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
_STABLE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Child:
    """A process in a session of its own, which a terminal's Ctrl-C does not reach."""

    def __init__(
        self, spec: ChildSpec, environment: Mapping[str, str], account: Account | None = None
    ) -> None:
        """`account`: who runs it; None for this process's own."""
        self.spec = spec
        self._account = account or current()
        self.crashes = 0
        self.record: ProcessRecord | None = None
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = self._started = 0.0

    def tend(self) -> bool:
        """Start the process where it should run and does not; whether anything changed."""
        now = time.monotonic()
        if self._process is not None and (code := self._process.poll()) is not None:
            self._note_end(code, now)
            return True
        if self._process is None and now >= self._start_at:
            self._start(now)
            return True
        return False

    def _start(self, now: float) -> None:
        with open_log(self.spec.log) as log:
            # S603: this interpreter and fixed modules, no shell
            self._process = subprocess.Popen(  # noqa: S603
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_DIR,
                env=self._environment,
                start_new_session=True,
                umask=0o077,  # files with refused rows, and the like
                **identity(self._account),
            )
        self._started = now
        self.record = ProcessRecord.of(self._process.pid)

    def _note_end(self, code: int, now: float) -> None:
        stable = now - self._started > _STABLE_SECONDS
        self.crashes = 1 if stable else self.crashes + 1
        delay = restart_delay(self.crashes)
        logger.warning(
            "%s ended (%s); starting it again in %.0f s. Its log: %s",
            *(self.spec.name, describe_exit(code), delay, self.spec.log),
        )
        if self.record is not None:
            end_sessions([(self.record, 0.0)])  # what it started must not hold its port
        self._process = None
        self._start_at = now + delay


def restart_delay(crashes: int) -> float:
    """Seconds before the next start, after so many crashes in a row: 1, 2, 4 … 30."""
    return min(_FIRST_DELAY * (1 << min(crashes - 1, 8)), _LONGEST_DELAY)


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def worker_runs_here(config: StackConfig) -> bool:
    """Whether `up` runs a worker on this data directory."""
    record = read_record(config.layout)
    worker = record.children.get("worker") if record else None
    return worker is not None and worker.find() is not None


@contextmanager
def worker_while(config: StackConfig) -> Iterator[None]:
    """Run a worker until the block ends, then end it warmly."""
    # A name of its own: were `up` started meanwhile, neither would take the other for itself.
    spec = worker_spec(config, nodename="temporary@%h")
    child = Child(spec, os.environ | {"KINSHIP_DATA_DIR": str(config.data_dir)})
    try:
        child.tend()
        yield
    finally:
        if child.record is not None:
            end_sessions([(child.record, spec.grace)])
