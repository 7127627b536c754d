"""Running the servers' programs as the account that the servers have, and their log files."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import IO, TypedDict

from recommender.stack.account import Account

_LARGEST = 16 * 1024**2
_TAIL_BYTES = 16_384


def open_log(path: Path) -> IO[bytes]:
    """Open a log for this account's eyes only; one over 16 MB is first rotated."""
    rotate_log(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # One of an earlier version was for everybody's.
    if os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "ab")


def rotate_log(path: Path, largest: int = _LARGEST) -> None:
    """Copy a log that has grown too large to `.1`, in place of the one before, and empty it.

    Its processes go on writing: they append, so that what they write next is at the start. What
    one writes between copying and emptying is lost.
    """
    if path.exists() and path.stat().st_size > largest:
        shutil.copy(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)


def log_tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log; empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def run_program(
    program: Path,
    arguments: Sequence[str],
    account: Account,
    log: Path,
    *,
    stdin: str = "",
    directory: Path = Path("/"),
) -> int:
    """Run a program in a session of its own, its output appended to a log; its exit code.

    Args:
        directory: where it runs.

    Interrupted, it passes the interrupt on: initdb and pg_ctl then clean up behind themselves.
    """
    process = None
    try:
        with _interrupts_deferred():
            process = _start([str(program), *arguments], account, log, stdin, directory)
        return process.wait()
    except KeyboardInterrupt:
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait()
        raise


def _start(
    command: list[str], account: Account, log: Path, stdin: str, directory: Path
) -> "subprocess.Popen[bytes]":
    # Nothing of the user's environment (PGDATA, LD_PRELOAD, a locale) reaches the server.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
    with open_log(log) as output, TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        # S603: programs of the installed wheels, no shell
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment,
            start_new_session=True,
            **identity(account),
        )


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Let signals wait: inside Popen, one would leave a process that nobody knows of."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach only the main thread
        return
    pending: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        pending.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for known, handler in previous.items():
            signal.signal(known, handler)
        for number in pending:
            signal.raise_signal(number)


class Identity(TypedDict, total=False):
    """Arguments of Popen by which a process has another account's rights, and no other."""

    user: int
    group: int
    extra_groups: list[int]


def identity(account: Account) -> Identity:
    """The arguments of Popen for this account; none for this process's own."""
    if account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
