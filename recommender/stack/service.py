"""What `up` runs besides the servers: web, worker and beat."""

import sys
from dataclasses import dataclass
from pathlib import Path

from recommender.stack import machine
from recommender.stack.config import StackConfig

_LISTEN_ON_ALL = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - mapped away
# Two, so that a slow request stops no process; more only contend for the interpreter: with four,
# similar products answer 6 % less often and their 99th percentile is no better.
_WEB_THREADS = 2
_MOST_WEB_PROCESSES = 8


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
    """

    name: str
    command: tuple[str, ...]
    log: Path
    grace: float


def child_specs(service: Service) -> tuple[ChildSpec, ...]:
    """Web, worker and beat."""
    cores = machine.detect().cores
    layout = service.config.layout
    commands = {
        "web": (_web_command(service, cores), 10.0),
        "worker": (_worker_command(service.workers or cores), 20.0),
        "beat": (_beat_command(), 5.0),
    }
    return tuple(
        ChildSpec(name=name, command=command, log=layout.log(name), grace=grace)
        for name, (command, grace) in commands.items()
    )


def _web_command(service: Service, cores: int) -> tuple[str, ...]:
    # Each thread may hold a database connection: at most 16 of the server's 100.
    processes = min(max(2, cores), _MOST_WEB_PROCESSES)
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", service.host, "--port", str(service.port)),
        *("--workers", str(processes), "--blocking-threads", str(_WEB_THREADS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "5", "--no-ws"),
        *("--static-path-route", "/static"),
        *("--static-path-mount", str(service.config.layout.static)),
        "recommender.wsgi:application",
    )


def worker_spec(config: StackConfig, nodename: str) -> ChildSpec:
    """A Celery worker of this name."""
    command = _worker_command(machine.detect().cores, nodename)
    return ChildSpec(name="worker", command=command, log=config.layout.log("worker"), grace=20.0)


def _worker_command(processes: int, nodename: str = "kinship@%h") -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "celery", "-A", "workers", "worker", "--loglevel", "INFO"),
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
