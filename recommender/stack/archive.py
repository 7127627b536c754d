"""The archive of the embedded server's write-ahead log (WAL), which brings back any moment.

pg_receivewal follows the server, which keeps what it has not got yet by a replication slot. Slot
and directory have one name, and are one run without a gap; a new run needs a new physical backup.
"""

import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from recommender.stack.account import postgres_program
from recommender.stack.config import StackConfig, StackError, database_url
from recommender.stack.external import connect
from recommender.stack.wal import SEGMENT

MB = 1024**2

# In a run's directory: the name of the last physical backup from which its WAL goes on.
_BACKED_UP = "physical_backup"
PREFIX = "kinship_wal_"
_LATE_BYTES = 1024**3

SLOTS = """
    SELECT slot_name, active, wal_status,
        pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint,
        to_char(inactive_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
    FROM pg_replication_slots WHERE starts_with(slot_name, %s) ORDER BY slot_name
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot of an archive.

    Args:
        is_lost: the server has removed what the archive has not got.
        waiting: bytes that it has not got yet.
        silent_since: when it was last followed, as text; None while it is.
    """

    name: str
    is_followed: bool
    is_lost: bool
    waiting: int
    silent_since: str | None


def newest_run(rows: Sequence[tuple[Any, ...]]) -> Slot | None:
    """The newest run of what SLOTS answers; None where the server was never archived."""
    if not rows:
        return None
    name, is_followed, status, waiting, since = rows[-1]
    return Slot(name, is_followed, status == "lost", int(waiting or 0), since)


def current_run(link: "psycopg.Connection[tuple[Any, ...]]") -> Slot | None:
    """The newest run of this server; None where it was never archived."""
    return newest_run(link.execute(SLOTS, [PREFIX]).fetchall())


def current_directory(config: StackConfig) -> Path | None:
    """Where the newest run of this server is archived; None where no archive is wanted or begun.

    Raises:
        StackError: the server does not answer.
    """
    with connect(database_url(config)) as link:
        run = current_run(link)
    if config.wal_archive is None or run is None or run.is_lost:
        return None
    return config.wal_archive / run.name


def prepare(config: StackConfig) -> None:
    """Begin a run where there is none; where no archive is wanted, keep no WAL for one.

    A run whose directory is gone is left as it is, and `health` says so: it may come back.

    Raises:
        StackError: the directory of a new run cannot be made, or the server does not answer.
    """
    if config.database_url is not None:
        return
    with connect(database_url(config)) as link:
        link.autocommit = True
        run = current_run(link)
        if config.wal_archive is None:
            _drop_slots(link)
        elif run is None or run.is_lost:
            _begin_run(link, config.wal_archive)


def _begin_run(link: "psycopg.Connection[tuple[Any, ...]]", root: Path) -> None:
    name = f"{PREFIX}{datetime.now(UTC):%Y%m%dt%H%M%Sz}_{secrets.token_hex(3)}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / name).mkdir(mode=0o700)
    except OSError as exc:
        raise StackError(
            f"The archive cannot be written: {root}: {exc.strerror}. Set KINSHIP_WAL_ARCHIVE to a "
            "directory that you may write, best on another disk, or unset it."
        ) from exc
    _drop_slots(link)
    link.execute("SELECT pg_create_physical_replication_slot(%s, true)", [name])


def _drop_slots(link: "psycopg.Connection[tuple[Any, ...]]") -> None:
    link.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
        "WHERE starts_with(slot_name, %s) AND NOT active",
        [PREFIX],
    )


def command(config: StackConfig) -> tuple[str, ...]:
    """What archives until it is told to end, or cannot."""
    module = (sys.executable, "-m", "recommender.stack.archive")
    return (*module, str(config.data_dir), str(config.wal_archive))


def main(data_dir: Path, root: Path) -> None:
    """Begin a run where there is none, and become the pg_receivewal that follows it.

    Raises:
        StackError: the server does not answer, or the directory is not there.
    """
    config = StackConfig(data_dir, database_url=None, broker_url=None, wal_archive=root)
    prepare(config)
    with connect(database_url(config)) as link:
        run = current_run(link)
    if run is None or not (root / run.name).is_dir():
        raise StackError(_gone(root, run.name if run else ""))
    # Synchronous: else the last 16 MB might be in no file. Nobody waits for it.
    options = ["--directory", str(root / run.name), "--slot", run.name, "--synchronous"]
    options += ["--no-loop", "--dbname", database_url(config)]
    program = str(postgres_program("pg_receivewal"))
    # S606: PostgreSQL's own program, no shell
    os.execv(program, [program, *options])  # noqa: S606


def _gone(root: Path, name: str) -> str:
    return (
        f"The archive {root / name} is not there. Mount it again; if it is lost, start once "
        "without KINSHIP_WAL_ARCHIVE, then with it, and make a physical backup."
    )


@dataclass(frozen=True, slots=True)
class Health:
    """Whether an archive fails, and what is to be done; None where nothing is."""

    is_failing: bool
    advice: str | None


def health(config: StackConfig, root: Path) -> Health:
    """Whether the archive keeps up, and can bring anything back.

    Raises:
        StackError: the server does not answer.
    """
    with connect(database_url(config)) as link:
        run = current_run(link)
    if run is None:
        return Health(True, "it has not begun; ./kinship up begins it")
    log = config.layout.log("archive")
    late = lateness(run)
    if not (root / run.name).is_dir():
        return Health(True, f"{late}. {_gone(root, run.name)}" if late else _gone(root, run.name))
    if late is not None:
        return Health(True, f"{late}. {log} says why.")
    if not (root / run.name / _BACKED_UP).exists():
        return Health(
            False,
            "it brings nothing back without a physical backup that is made while it runs: "
            "./kinship backup --physical DIRECTORY",
        )
    return Health(False, None)


def lateness(run: Slot) -> str | None:
    """How far an archive is behind, in words; None where it follows."""
    waiting = f"{run.waiting // MB:,} MB of the server's log wait for it"
    if run.is_lost:
        return "it has a gap: the server has removed what waited too long; a new run begins"
    if not run.is_followed:
        return f"nothing is archived since {run.silent_since}, and {waiting}"
    return f"it is behind: {waiting}" if run.waiting > _LATE_BYTES else None


def note_backup(config: StackConfig, run: str, backup: str) -> None:
    """Remember that a run has a backup from which its WAL goes on."""
    if config.wal_archive is not None and (config.wal_archive / run).is_dir():
        (config.wal_archive / run / _BACKED_UP).write_text(f"{backup}\n")


def remove_before(run: Path, segment: str | None) -> int:
    """Remove a run's segments before one, or all of the run; how many bytes that were."""
    old = [
        path
        for path in run.iterdir()
        if segment is None or (SEGMENT.fullmatch(path.name) and path.name[:24] < segment)
    ]
    freed = sum(path.stat().st_size for path in old)
    for path in old:
        path.unlink()
    if segment is None:
        run.rmdir()
    return freed


def _main(arguments: Sequence[str]) -> None:
    try:
        main(Path(arguments[0]), Path(arguments[1]))
    except StackError as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    _main(sys.argv[1:])
