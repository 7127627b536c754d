"""The embedded PostgreSQL server: its start, its stop, and what a crash leaves."""

import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote
from types import MappingProxyType

import psutil

from recommender.stack.account import Account, postgres_program
from recommender.stack.cluster import OWN_DATABASE, check_major_version, prepare_data
from recommender.stack.config import POSTGRES_PORT, Layout, StackError
from recommender.stack.processes import find_recorded, kill, wait_for_end
from recommender.stack.program import log_tail, run_program

_START_SECONDS = 300  # replaying the log after a crash may take minutes
_STOP_SECONDS = 15
_STATUS_LINE = 7  # of postmaster.pid, counted from 0: miscadmin.h, LOCK_FILE_LINE_PM_STATUS


def running(layout: Layout) -> psutil.Process | None:
    """The server of this data directory, if it runs."""
    lines = _recorded_lines(layout)
    process = find_recorded(lines[0]) if lines else None
    return process if process is not None and _serves(process, layout) else None


def ready(layout: Layout) -> bool:
    """Whether the server runs and answers."""
    if running(layout) is None:
        return False
    lines = _recorded_lines(layout)
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def prepare(layout: Layout, account: Account) -> None:
    """Make the data directory if there is none, and clear away what a crash left.

    Raises:
        StackError: the data directory is of another major version, or cannot be made.
    """
    if running(layout) is None:
        check_major_version(layout)
        _heal(layout)
        prepare_data(layout, account)


def start(
    layout: Layout,
    account: Account,
    settings: Mapping[str, str] = MappingProxyType({}),
    seconds: int = _START_SECONDS,
) -> None:
    """Start the server, or wait for one that somebody began to start; returns when it answers.

    Args:
        settings: others than its configuration's, until it stops.
        seconds: it may take.

    Raises:
        StackError: it ended, or took too long.
    """
    if running(layout) is None:
        options = " ".join(f"-c {name}={quote(value)}" for name, value in settings.items())
        arguments = ["-D", str(layout.postgres), "-s", "-w", "-t", str(seconds), "-o", options]
        arguments.append("start")
        pg_ctl, log = postgres_program("pg_ctl"), layout.log("postgres")
        # It returns before a server that replays an archive has done so.
        started = run_program(pg_ctl, arguments, account, log) == 0 and _becomes_ready(
            layout, seconds
        )
    else:
        started = _becomes_ready(layout, seconds)
    if not started:
        log = layout.log("postgres")
        raise StackError(
            f"The embedded PostgreSQL did not start. {OWN_DATABASE} {log} ends:\n{log_tail(log)}"
        )


def request_stop(layout: Layout) -> psutil.Process | None:
    """Tell the server to end its sessions and shut down; the process to wait for."""
    process = running(layout)
    if process is not None:
        _signal(process, signal.SIGINT)
    return process


def await_stop(process: psutil.Process) -> None:
    """Wait for the shutdown; where it takes too long, leave the rest to crash recovery."""
    if wait_for_end([process], _STOP_SECONDS):
        return
    _signal(process, signal.SIGQUIT)
    if not wait_for_end([process], 5):
        kill([process])


def _pid_file(layout: Layout) -> Path:
    return layout.postgres / "postmaster.pid"


def _recorded_lines(layout: Layout) -> list[str]:
    try:
        return _pid_file(layout).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []  # the server removes it as the last thing it does


def _becomes_ready(layout: Layout, seconds: int) -> bool:
    deadline = time.monotonic() + seconds
    while not ready(layout):
        if running(layout) is None or time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _serves(process: psutil.Process, layout: Layout) -> bool:
    """Whether a process is a server of this directory: its number may have been reused."""
    with suppress(psutil.Error):
        return process.name() == "postgres" and str(layout.postgres) in process.cmdline()
    return False


def _heal(layout: Layout) -> None:
    """Clear what a killed server left behind and would keep the next one from starting."""
    if not _pid_file(layout).exists():
        return
    # They notice within moments that their server is gone, except in the midst of a long step.
    orphans = [process for process in psutil.process_iter() if _is_orphan(process, layout)]
    if not wait_for_end(orphans, 1):
        kill(orphans)
    # Kept, it would be believed where its number has meanwhile gone to another process.
    _pid_file(layout).unlink(missing_ok=True)
    (layout.sockets / f".s.PGSQL.{POSTGRES_PORT}.lock").unlink(missing_ok=True)


def _is_orphan(process: psutil.Process, layout: Layout) -> bool:
    with suppress(psutil.Error):
        return process.name() == "postgres" and process.cwd() == str(layout.postgres)
    return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
