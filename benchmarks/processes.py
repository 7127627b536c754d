"""The processes of a running service, by part, and the memory that each part takes."""

from contextlib import suppress

import psutil

from recommender.stack.config import StackConfig
from recommender.stack.processes import ProcessRecord, session_members
from recommender.stack.status import collect


def family(leader: psutil.Process) -> list[psutil.Process]:
    """A part's first process and all that it started, in sessions of their own too."""
    members = session_members(ProcessRecord.of(leader.pid))
    return [*members, *(p for p in leader.children(recursive=True) if p not in members)]


def memory(config: StackConfig) -> dict[str, float]:
    """By part of the service, its memory in MB: what several share is split between them."""
    return {
        part.name: sum(map(_size, family(psutil.Process(part.pid)))) / 1024**2
        for part in collect(config)
        if part.pid is not None
    }


def _size(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        sizes = process.memory_full_info()
        return int(getattr(sizes, "pss", sizes.rss))
    return 0
