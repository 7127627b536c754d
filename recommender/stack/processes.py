"""Processes that outlive the one that started them: recorded, recognised again, and ended.

With what they need of the operating system: signals that ask them to stop, and a lock that the
kernel releases when its holder dies.
"""

import fcntl
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import psutil

# psutil derives a start time from the clock, which is set and slewed between two readings.
_CLOCK_TOLERANCE = 5.0  # seconds
_POLL = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process by more than its number, which another may have after a crash or a reboot."""

    pid: int
    started: float
    command: tuple[str, ...]

    @classmethod
    def of(cls, pid: int) -> "ProcessRecord":
        """Record a running process.

        Raises:
            psutil.NoSuchProcess: it has ended.
        """
        process = psutil.Process(pid)
        command: tuple[str, ...] = ()
        with suppress(psutil.ZombieProcess):  # ended, and its parent has not noticed yet
            command = tuple(process.cmdline())
        return cls(pid, process.create_time(), command)

    def find(self) -> psutil.Process | None:
        """The process itself, if it still runs and is the one that was recorded."""
        process = find_process(self.pid)
        if process is None:
            return None
        try:
            same_start = abs(process.create_time() - self.started) < _CLOCK_TOLERANCE
            same_command = tuple(process.cmdline()) == self.command
        except psutil.NoSuchProcess:
            return None
        return process if same_start or same_command else None


def find_process(pid: int) -> psutil.Process | None:
    """The process of that number, unless it has ended."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None
    return process if is_alive(process) else None


def find_recorded(text: str) -> psutil.Process | None:
    """The process whose number a file tells, unless that is none or the process has ended."""
    number = text.strip()
    # Longer is no number of a process, and int() refuses a very long one.
    return find_process(int(number)) if re.fullmatch("[0-9]{1,10}", number) else None


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs; one that ended and was not waited for (a zombie) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Wait until all have ended; whether they did in time."""
    deadline = time.monotonic() + seconds
    while any(is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def terminate(process: psutil.Process) -> None:
    """Send SIGTERM, unless the process has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process.terminate()


def kill(processes: Sequence[psutil.Process]) -> None:
    """Send SIGKILL to those that have not ended meanwhile, and see them gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    wait_for_end(processes, 5)


def session_members(leader: ProcessRecord) -> list[psutil.Process]:
    """The processes of the session that the leader began, whether or not it still runs."""
    stranger = find_process(leader.pid) is not None and leader.find() is None
    if stranger:
        return []
    return [process for process in psutil.process_iter() if _session(process.pid) == leader.pid]


def end_sessions(leaders: Sequence[tuple[ProcessRecord, float]]) -> None:
    """Ask leaders of sessions to end (SIGTERM), then kill what is left of each session.

    Args:
        leaders: each with the seconds that it is given; all are waited for at once.
    """
    began = time.monotonic()
    running = [(process, grace) for leader, grace in leaders if (process := leader.find())]
    for process, _ in running:
        terminate(process)
    for process, grace in running:
        wait_for_end([process], began + grace - time.monotonic())
    kill([member for leader, _ in leaders for member in session_members(leader)])


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While entered, the signals are noted; inside `interruptible` they also interrupt."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._event = threading.Event()
        self._interrupts = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "StopSignals":
        self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def wait(self, seconds: float) -> bool:
        """Sleep until a signal arrives, at most so long; whether one has."""
        return self._event.wait(seconds)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt inside, as work that may be broken off."""
        self._interrupts = True
        try:
            if self.received is not None:
                raise KeyboardInterrupt
            yield
        finally:
            self._interrupts = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number
        self._event.set()
        if self._interrupts:
            self._interrupts = False
            raise KeyboardInterrupt


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock; waits for whoever holds it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take the lock for as long as the returned descriptor, or a copy of it, is open.

    None when another process holds it.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
