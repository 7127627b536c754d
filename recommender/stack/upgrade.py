"""Upgrading the embedded PostgreSQL's files to another major version, by pg_upgrade.

The new ones are made beside the old, which stay as they were; then they change names.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from recommender.stack import cluster, postgres
from recommender.stack.account import (
    Account,
    claim_directory,
    let_pass,
    open_the_way,
    postgres_program,
    server_account,
)
from recommender.stack.backup import Progress
from recommender.stack.cluster import bundled_major, configure, initdb, major_of
from recommender.stack.config import DATABASE_USER, Layout, StackConfig, StackError
from recommender.stack.embedded import ensure_data_dir
from recommender.stack.processes import try_lock
from recommender.stack.program import log_tail, run_program
from recommender.stack.record import lock_path

# Of the old version, pg_upgrade runs these.
_PROGRAMS = ("postgres", "pg_ctl", "pg_controldata", "pg_resetwal")


def check_upgradable(config: StackConfig, old_bin: Path) -> None:
    """Check that these programs are of the version that made the data directory, an older one.

    Raises:
        StackError: they are not, or there is nothing to upgrade.
    """
    if config.database_url is not None:
        raise StackError(
            "DATABASE_URL names a server, which its own means upgrade: this is for the embedded "
            "PostgreSQL's files."
        )
    had, has = major_of(config.layout), bundled_major()
    if had is None:
        raise StackError(f"{config.data_dir} has no database, so there is nothing to upgrade.")
    if int(had) >= int(has):
        raise StackError(
            f"{config.layout.postgres} is of PostgreSQL {had}, and the embedded one is {has}: "
            "there is nothing to upgrade."
        )
    if (given := _major(old_bin)) != had:
        raise StackError(
            f"{old_bin} has the programs of PostgreSQL {given}, and {config.layout.postgres} is of "
            f"PostgreSQL {had}. Name the directory with the programs of PostgreSQL {had}."
        )


def _major(programs: Path) -> str:
    if missing := [name for name in _PROGRAMS if not os.access(programs / name, os.X_OK)]:
        raise StackError(
            f"{programs} has no {' and no '.join(missing)} that can be run. Name the directory "
            "that has all of an old PostgreSQL's programs; --help says where to get them."
        )
    # S603: a program that the user names
    answer = subprocess.run(  # noqa: S603
        [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\) (\d+)", answer.stdout)
    return found[1] if found else "no known version"


def upgrade(config: StackConfig, old_bin: Path, progress: Progress) -> Path:
    """Upgrade the data directory; where the old one is kept.

    Raises:
        StackError: the service runs, or a program fails; the data are as they were.
    """
    ensure_data_dir(config)
    layout = config.layout
    kept = layout.data_dir / f"{layout.postgres.name}-{major_of(layout)}"
    if kept.exists():
        raise StackError(f"{kept} is there already. Move it away; the old data are to go there.")
    claim = None if postgres.running(layout) else try_lock(lock_path(layout))
    if claim is None:
        raise StackError("Kinship is running. Stop it first: ./kinship down")
    new = cluster.upgrading(layout)
    account = server_account(layout)
    try:
        shutil.rmtree(new.data_dir, ignore_errors=True)
        _make_new(layout, new, old_bin, account, progress)
        progress("Copying the data to the new version", 0, 0)
        _pg_upgrade(layout, new, old_bin, account)
        layout.postgres.rename(kept)
        new.postgres.rename(layout.postgres)
    except OSError as exc:
        raise StackError(f"Cannot upgrade {layout.postgres}: {exc.strerror}.") from exc
    finally:
        if layout.postgres.exists():  # else both are there under other names, and `up` says so
            shutil.rmtree(new.data_dir, ignore_errors=True)
        os.close(claim)
    return kept


def _make_new(
    layout: Layout, new: Layout, old_bin: Path, account: Account, progress: Progress
) -> None:
    """End the old server's last run cleanly, and make an empty data directory like its own."""
    for directory in (new.data_dir, layout.sockets, new.sockets):
        claim_directory(directory, account)
    open_the_way(layout, account)
    let_pass(new.postgres, account)
    let_pass(old_bin / "postgres", account)
    progress("Starting the old version, and stopping it", 0, 0)
    data, log = ["-D", str(layout.postgres), "-s", "-w"], layout.log("postgres")
    for arguments in (["-t", "3600", "start"], ["-m", "fast", "stop"]):
        if run_program(old_bin / "pg_ctl", [*data, *arguments], account, log) != 0:
            raise StackError(
                f"The programs in {old_bin} do not run on {layout.postgres}. They must be readable "
                f"for {account.name}. {log} ends:\n{log_tail(log)}"
            )
    progress("Making an empty database of the new version", 0, 0)
    initdb(new.postgres, layout, account, _checksums(layout, old_bin))
    configure(new, account)


def _checksums(layout: Layout, old_bin: Path) -> str:
    """The option of initdb by which pages have checksums just where the old ones have."""
    command = [str(old_bin / "pg_controldata"), str(layout.postgres)]
    # Its words are looked for in English. S603: a program that the user names
    answer = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, env={"LANG": "C.UTF-8"}
    )
    has_none = re.search(r"^Data page checksum version: +0$", answer.stdout, re.MULTILINE)
    return "--no-data-checksums" if has_none else "--data-checksums"


def _pg_upgrade(layout: Layout, new: Layout, old_bin: Path, account: Account) -> None:
    arguments = [
        *("--old-bindir", str(old_bin), "--new-bindir", str(postgres_program("postgres").parent)),
        *("--old-datadir", str(layout.postgres), "--new-datadir", str(new.postgres)),
        *("--username", DATABASE_USER, "--socketdir", str(new.sockets)),
    ]
    log = layout.log("upgrade")
    program = postgres_program("pg_upgrade")
    if run_program(program, arguments, account, log, directory=new.data_dir) != 0:
        raise StackError(
            f"pg_upgrade failed; {layout.postgres} is as it was. {log} ends:\n{log_tail(log)}"
        )
