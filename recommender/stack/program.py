"""Running the servers' programs as the account that the servers have."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import FrameType
from typing import TypedDict

from recommender.stack import logfile
from recommender.stack.account import Account


def run_program(
    program: Path, arguments: Sequence[str], account: Account, log: Path, stdin: str = ""
) -> int:
    """Run a program in a session of its own, its output appended to a log; its exit code.

    Interrupted, it passes the interrupt on: initdb and pg_ctl then clean up behind themselves.
    """
    process = None
    try:
        with _interrupts_deferred():
            process = _start([str(program), *arguments], account, log, stdin)
        return process.wait()
    except KeyboardInterrupt:
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait()
        raise


def _start(
    command: list[str], account: Account, log: Path, stdin: str
) -> "subprocess.Popen[bytes]":
    # Nothing of the user's environment (PGDATA, LD_PRELOAD, a locale) reaches the server.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
    with logfile.open_for_append(log) as output, TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        # S603: programs of the installed wheels, no shell
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
            **_identity(account),
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


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity(account: Account) -> _Identity:
    if account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
