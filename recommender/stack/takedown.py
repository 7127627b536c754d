"""Stopping a running service from another process."""

import os

from recommender.stack.config import StackConfig
from recommender.stack.embedded import check_access, stop
from recommender.stack.processes import (
    ProcessRecord,
    end_sessions,
    kill,
    terminate,
    wait_for_end,
)
from recommender.stack.record import read_record, remove_record
from recommender.stack.status import State, collect

# Longer than a supervisor takes: 20 s for the worker, 15 s for PostgreSQL.
_SUPERVISOR_SECONDS = 40.0
_CHILD_SECONDS = 20.0


def take_down(config: StackConfig) -> list[str]:
    """Stop everything of a data directory, whatever state a crash left it in.

    Returns:
        The names of what ran.

    Raises:
        StackError: it is another user's.
    """
    check_access(config)
    ran = [part.name for part in collect(config) if part.state is State.RUNNING]
    if record := read_record(config.layout):
        _end_supervisor(record.supervisor)
        # Read again: until its end it may have started some anew.
        record = read_record(config.layout) or record
        end_sessions([(child, _CHILD_SECONDS) for child in record.children.values()])
    stop(config)
    remove_record(config.layout)
    return ran


def _end_supervisor(supervisor: ProcessRecord | None) -> None:
    process = supervisor.find() if supervisor is not None else None
    if process is None or process.pid == os.getpid():
        return
    terminate(process)
    if not wait_for_end([process], _SUPERVISOR_SECONDS):
        kill([process])
