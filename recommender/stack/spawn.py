"""Starting the servers' programs as the account that runs them."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypedDict

from recommender.stack import logfile
from recommender.stack.account import Account


def spawn(
    program: Path, arguments: Sequence[str], account: Account, log: Path, stdin: str = ""
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own, its output appended to a log."""
    # Nothing of the user's environment (PGDATA, LD_PRELOAD, a locale) reaches the server.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
    with logfile.open_for_append(log) as output, TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        # S603: programs of the installed wheels, no shell
        return subprocess.Popen(  # noqa: S603
            [str(program), *arguments],
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
            **_identity(account),
        )


def complete(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a program and return its exit code.

    Interrupted, it passes the interrupt on: initdb and pg_ctl then clean up behind themselves.
    """
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity(account: Account) -> _Identity:
    if account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
