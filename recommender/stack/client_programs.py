"""PostgreSQL's client programs, pg_dump and pg_restore, run on a database through pipes."""

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from recommender.stack.account import postgres_program
from recommender.stack.config import StackError

_PROBLEM = re.compile(r"[\w.]+: (?:error|detail): (.+)")


@contextmanager
def client_program(
    name: str, options: list[str], url: str, server: int, note: Callable[[str], None]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run pg_dump or pg_restore on a database, its input and output as pipes, until it ends.

    Args:
        server: the server's version as a number; the program must not be older.
        note: is given each line that the program says.

    Raises:
        StackError: there is no such program, or it failed.
    """
    parameters = conninfo_to_dict(url)
    password = parameters.pop("password", None)
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
    environment |= {"PGPASSWORD": str(password)} if password else {}
    command = [str(_find(name, server)), *options, "--dbname", make_conninfo("", **parameters)]
    said: deque[str] = deque(maxlen=5)
    errors: list[str] = []
    # S603: PostgreSQL's own program, no shell
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )

    def listen() -> None:
        for line in process.stderr or ():
            said.append(line.decode(errors="replace").strip())
            note(said[-1])
            if found := _PROBLEM.match(said[-1]):
                errors.append(found[1])

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield process
        _end_input(process)
        code = process.wait()
        listener.join()
        if code != 0:
            raise StackError(f"{name} failed: {'; '.join(errors) or ' '.join(said)}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listener.join()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _end_input(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # it has ended; its exit code says whether that was early
            process.stdin.close()


def _find(name: str, server: int) -> Path:
    """The program of the embedded PostgreSQL, else the system's: one not older than the server.

    Raises:
        StackError: there is none.
    """
    candidates = [Path(shutil.which(name) or name)]
    with suppress(StackError):  # where the database is external, the wheel may be missing
        candidates.insert(0, postgres_program(name))
    for program in candidates:
        if program.is_file() and _major(program) >= server // 10_000:
            return program
    raise StackError(
        f"The database is PostgreSQL {server // 10_000}, and there is no {name} of that version or "
        f"a newer one. Install PostgreSQL's client programs of version {server // 10_000}."
    )


def _major(program: Path) -> int:
    # S603: PostgreSQL's own program, no shell
    answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"\) (\d+)", answer.stdout)
    return int(found[1]) if found else 0
