"""What this machine, or the container it is, lets the stack use."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

_CGROUP_MOUNT = Path("/sys/fs/cgroup")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - measured, never written to


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Resources in bytes and whole cores; `shared_memory` is for POSIX segments."""

    memory: int
    cores: int
    shared_memory: int


def detect() -> Machine:
    """The memory and cores that this process may use, cgroup limits included."""
    limits = cgroup_limits(_membership(), _CGROUP_MOUNT)
    memory = psutil.virtual_memory().total
    cores = _allowed_cores()
    return Machine(
        memory=min(memory, limits.memory or memory),
        cores=max(1, min(cores, limits.cores or cores)),
        shared_memory=_free_shared_memory() if platform.system() == "Linux" else memory,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupLimits:
    """Limits of a control group and its ancestors; None where there is none."""

    memory: int | None
    cores: int | None


def cgroup_limits(membership: str, mount: Path) -> CgroupLimits:
    """The lowest limits that apply to a process.

    Args:
        membership: the text of /proc/self/cgroup; versions 1 and 2 are understood.
        mount: where the control groups are mounted.
    """
    memory = [
        *_values(membership, mount, controller="", file="memory.max"),
        *_values(membership, mount, controller="memory", file="memory.limit_in_bytes"),
    ]
    quotas = list(_values(membership, mount, controller="", file="cpu.max"))
    return CgroupLimits(
        memory=min((int(text) for text in memory if text != "max"), default=None),
        cores=min((_whole_cores(text) for text in quotas if "max" not in text), default=None),
    )


def _whole_cores(cpu_max: str) -> int:
    quota, period = (int(word) for word in cpu_max.split())
    return max(1, quota // period)


def _values(membership: str, mount: Path, *, controller: str, file: str) -> Iterator[str]:
    """A limit file's text in the process's group and in each ancestor that has one."""
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        group = PurePosixPath(path.lstrip("/"))
        for ancestor in (group, *group.parents):
            candidate = mount / controller / ancestor / file
            if candidate.is_file():
                yield candidate.read_text().strip()


def _membership() -> str:
    try:
        return Path("/proc/self/cgroup").read_text()
    except OSError:
        return ""  # not Linux, or /proc is hidden: no limit is known


def _allowed_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _free_shared_memory() -> int:
    return shutil.disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else 0
