"""Where a service runs: a usual directory, a small disk, a clock that can be set, its own network.

All but the first need root or a compiler; where that is missing, their faults are skipped and say
why.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

_SMALL_DISK_MB = 400
# Of RFC 2544, for tests of networks: no shop's.
_OUR_ADDRESS, _ITS_ADDRESS = "198.18.77.1", "198.18.77.2"


class Need(StrEnum):
    """What a fault needs around the service."""

    NOTHING = "nothing"
    SMALL_DISK = "small disk"
    CLOCK = "clock"
    NETWORK = "network"


class UnavailableError(Exception):
    """This machine, or this user, has no such surroundings; the message says why."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a service is to run.

    Attributes:
        host: the service's address, and `outside` that of what it calls.
        within: the command that its commands are run by.
        clock: the file that says how far ahead the time of day is there, in seconds.
        cable: the network interface that everything passes.
    """

    directory: Path
    host: str = "127.0.0.1"
    outside: str = "127.0.0.1"
    within: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    clock: Path | None = None
    cable: str | None = None


@contextmanager
def made(need: Need) -> Iterator[Surroundings]:
    """Surroundings in a temporary directory, removed at the end.

    Raises:
        UnavailableError: they cannot be made here.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="kinship-chaos-")))
        directory.chmod(0o711)  # as root, the servers' own user passes through
        if need is Need.SMALL_DISK:
            stack.enter_context(_small_disk(directory))
            yield Surroundings(directory)
        elif need is Need.CLOCK:
            yield _with_clock(directory)
        elif need is Need.NETWORK:
            yield stack.enter_context(_with_network(directory))
        else:
            yield Surroundings(directory)


@contextmanager
def _small_disk(directory: Path) -> Iterator[None]:
    size = f"size={_SMALL_DISK_MB}m,mode=0711"
    _run("mount", "-t", "tmpfs", "-o", size, "kinship-chaos", str(directory))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(directory))


def _with_clock(directory: Path) -> Surroundings:
    library, clock = directory / "clock.so", directory / "clock"
    source = Path(__file__).with_name("clock.c")
    _run("cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source))
    clock.write_bytes(_offset(0))
    variables = {"LD_PRELOAD": str(library), "CHAOS_CLOCK": str(clock)}
    return Surroundings(directory, variables=variables, clock=clock)


def set_clock(surroundings: Surroundings, seconds: int) -> None:
    """Have the service's clock go ahead by so many seconds, or behind.

    Raises:
        LookupError: it has none of its own.
    """
    if surroundings.clock is None:
        raise LookupError("There is no clock to set.")
    # In place: the service has the file mapped.
    with surroundings.clock.open("r+b", buffering=0) as file:
        file.write(_offset(seconds))


def _offset(seconds: int) -> bytes:
    return seconds.to_bytes(8, sys.byteorder, signed=True)


def set_cable(surroundings: Surroundings, state: Literal["up", "down"]) -> None:
    """Cut what joins the service's network with all others, or mend it.

    Raises:
        LookupError: it has no network of its own.
    """
    if surroundings.cable is None:
        raise LookupError("There is no cable to cut.")
    _run("ip", "link", "set", surroundings.cable, state)


@contextmanager
def _with_network(directory: Path) -> Iterator[Surroundings]:
    """A network namespace, joined with this one by a cable."""
    name = f"kinship-{os.getpid()}"
    ours, its = f"kc{os.getpid()}"[:15], f"ks{os.getpid()}"[:15]
    inside = ("ip", "netns", "exec", name)
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", ours, "type", "veth", "peer", "name", its, "netns", name)
        _run("ip", "address", "add", f"{_OUR_ADDRESS}/30", "dev", ours)
        _run("ip", "link", "set", ours, "up")
        _run(*inside, "ip", "address", "add", f"{_ITS_ADDRESS}/30", "dev", its)
        for interface in (its, "lo"):
            _run(*inside, "ip", "link", "set", interface, "up")
        yield Surroundings(
            directory,
            host=_ITS_ADDRESS,
            outside=_OUR_ADDRESS,
            within=inside,
            variables={"KINSHIP_HOSTS": f"{_ITS_ADDRESS},localhost"},
            cable=ours,
        )
    finally:
        _run("ip", "netns", "delete", name)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as exc:
        raise UnavailableError(f"there is no program {command[0]} here") from exc
    except subprocess.CalledProcessError as exc:
        rights = "" if os.geteuid() == 0 else ", and this is not root"
        raise UnavailableError(f"{command[0]} fails{rights}: {exc.stderr.strip()}") from exc
