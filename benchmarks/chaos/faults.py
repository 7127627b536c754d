"""The faults: what is done to a running service, and from when on it can recover."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import psutil
import psycopg

from benchmarks.chaos.surroundings import Need, Surroundings, set_cable, set_clock
from benchmarks.processes import family
from recommender.stack.config import Layout, StackConfig, database_url
from recommender.stack.processes import kill
from recommender.stack.status import collect
from tests.e2e.service import Service
from tests.stub import Stub

# How long what does not kill lasts, in seconds.
_SHORTEST, _LONGEST = 2.0, 8.0
_COMMIT_DELAY = 100_000  # microseconds, the most that PostgreSQL takes
_JUMPS = (-90_000, -3_660, -90, 90, 3_660, 90_000)  # seconds
_STORMS: tuple[dict[str, Any], ...] = (
    {"failing": 1.0},
    {"throttling": 1.0},
    {"dropping": 1.0},
    {"failing": 0.3, "throttling": 0.3, "dropping": 0.3},
    {"latency": 2 * _LONGEST},
)


@dataclass(frozen=True, slots=True)
class Scene:
    """The service, what is around it, and the chances."""

    service: Service
    surroundings: Surroundings
    provider: Stub
    random: Random

    @property
    def config(self) -> StackConfig:
        """The stack of the service."""
        return StackConfig(self.service.data_dir, None, None)

    def process(self, name: str) -> psutil.Process:
        """The process of a part, such as `worker`.

        Raises:
            LookupError: it does not run.
        """
        pid = next(part.pid for part in collect(self.config) if part.name == name)
        if pid is None:
            raise LookupError(f"{name} does not run")
        return psutil.Process(pid)

    def up(self) -> None:
        """Start the service, or what of it is missing."""
        port = str(self.service.port)
        self.service.manage(
            "up", "--detach", "--host", self.service.host, "--port", port, "--workers", "2"
        )

    def lasting(self) -> float:
        """For how long, in seconds."""
        return self.random.uniform(_SHORTEST, _LONGEST)


# What does the fault, and returns the moment (monotonic) from when on the service can recover.
Strike = Callable[[Scene], float]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to harm a service.

    Attributes:
        may_pay_twice: whether it can come between a provider's answer and its being kept.
    """

    name: str
    what: str
    strike: Strike
    need: Need = Need.NOTHING
    may_pay_twice: bool = True


def _kill(scene: Scene, name: str) -> float:
    """Its first process, one that this started, or all of its session: who runs out of memory."""
    leader = scene.process(name)
    members = family(leader)
    victims = scene.random.choice([[leader], [scene.random.choice(members)], members])
    kill(victims)
    return time.monotonic()


def _kill_supervisor(scene: Scene) -> float:
    kill([scene.process("supervisor")])
    struck = time.monotonic()
    time.sleep(scene.random.uniform(0, _SHORTEST))
    scene.up()
    return struck


def _kill_everything(scene: Scene) -> float:
    """As when a container is killed, and started again."""
    leaders = [psutil.Process(part.pid) for part in collect(scene.config) if part.pid]
    kill([member for leader in leaders for member in family(leader)])
    struck = time.monotonic()
    scene.up()
    return struck


def _stop(scene: Scene, name: str) -> float:
    stopped = family(scene.process(name))
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(scene.lasting())
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    return time.monotonic()


def _slow_disk(scene: Scene) -> float:
    """Every commit reaches the disk a tenth of a second later."""
    _set(scene, f"commit_delay = {_COMMIT_DELAY}", "commit_siblings = 0")
    time.sleep(scene.lasting())
    _set(scene, "commit_delay = DEFAULT", "commit_siblings = DEFAULT")
    return time.monotonic()


def _set(scene: Scene, *settings: str) -> None:
    for setting in settings:
        scene.service.sql(f"ALTER SYSTEM SET {setting}")
    scene.service.sql("SELECT pg_reload_conf()")


def _fill_disk(scene: Scene) -> float:
    ballast = scene.surroundings.directory / "ballast"
    piece = bytes(1 << 20)
    until = time.monotonic() + scene.lasting()
    with ballast.open("wb", buffering=0) as file:
        while time.monotonic() < until:
            try:
                file.write(piece)
            except OSError:  # full; what is freed meanwhile is taken too
                piece = bytes(max(1, len(piece) // 2))
                time.sleep(0.02)
    ballast.unlink()
    return time.monotonic()


def _broker_out_of_memory(scene: Scene) -> float:
    _tell_broker(scene, "CONFIG SET maxmemory 1")
    time.sleep(scene.lasting())
    _tell_broker(scene, "CONFIG SET maxmemory 0")
    return time.monotonic()


def _tell_broker(scene: Scene, command: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(Layout(scene.service.data_dir).valkey_socket))
        client.sendall(f"{command}\r\n".encode())
        answer = client.recv(1024)
    if not answer.startswith(b"+OK"):
        raise RuntimeError(f"The broker does not take {command}: {answer!r}")


def _out_of_connections(scene: Scene) -> float:
    """Others hold all connections, those that the service had too."""
    until = time.monotonic() + scene.lasting()
    held: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        while time.monotonic() < until:
            _take_connections(scene, held)
            ours = [connection.info.backend_pid for connection in held]
            held[0].execute(_END_OTHERS, (ours,))
            time.sleep(0.05)
    finally:
        for connection in held:
            connection.close()
    return time.monotonic()


_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> ALL(%s)
"""


def _take_connections(scene: Scene, held: list[psycopg.Connection[tuple[object, ...]]]) -> None:
    """Take all that there are."""
    with suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(database_url(scene.config), autocommit=True))


def _jump(scene: Scene) -> float:
    """The clock of web, workers, beat and supervisor is wrong for a while."""
    set_clock(scene.surroundings, scene.random.choice(_JUMPS))
    time.sleep(scene.lasting())
    set_clock(scene.surroundings, 0)
    return time.monotonic()


def _storm(scene: Scene) -> float:
    well = scene.provider.behaviour
    storm = replace(well, seed=scene.random.randrange(1 << 30), **scene.random.choice(_STORMS))
    scene.provider.behave(storm)
    time.sleep(scene.lasting())
    scene.provider.behave(well)
    return time.monotonic()


def _cut(scene: Scene) -> float:
    """Nothing passes between the service and its callers, and between it and the provider."""
    set_cable(scene.surroundings, "down")
    time.sleep(scene.lasting())
    set_cable(scene.surroundings, "up")
    return time.monotonic()


def _killing(name: str) -> Strike:
    return lambda scene: _kill(scene, name)


def _stopping(name: str) -> Strike:
    return lambda scene: _stop(scene, name)


FAULTS = (
    Fault("kill worker", "SIGKILL of the worker", _killing("worker")),
    Fault("kill web", "SIGKILL of the web", _killing("web"), may_pay_twice=False),
    Fault("kill broker", "SIGKILL of Valkey", _killing("valkey"), may_pay_twice=False),
    Fault("kill database", "SIGKILL of PostgreSQL", _killing("postgres")),
    Fault("kill beat", "SIGKILL of beat", _killing("beat"), may_pay_twice=False),
    Fault("kill supervisor", "SIGKILL of the supervisor, then `up`", _kill_supervisor),
    Fault("kill everything", "SIGKILL of all processes at once, then `up`", _kill_everything),
    Fault("stop database", "SIGSTOP of PostgreSQL for seconds", _stopping("postgres")),
    Fault("stop broker", "SIGSTOP of Valkey for seconds", _stopping("valkey")),
    Fault("stop worker", "SIGSTOP of the worker for seconds", _stopping("worker")),
    Fault("stop web", "SIGSTOP of the web for seconds", _stopping("web"), may_pay_twice=False),
    Fault("slow disk", "each commit takes a tenth of a second more", _slow_disk),
    Fault("full disk", "no byte is left for seconds", _fill_disk, Need.SMALL_DISK),
    Fault("broker memory", "Valkey is out of memory for seconds", _broker_out_of_memory),
    Fault("connections", "PostgreSQL has no connection left for seconds", _out_of_connections),
    Fault("clock", "the clock jumps by up to 25 h, and back", _jump, Need.CLOCK),
    Fault("provider", "500, 429, cut or no answers for seconds", _storm),
    Fault("network", "the cable is cut for seconds", _cut, Need.NETWORK),
)
