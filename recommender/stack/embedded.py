"""The embedded servers of one data directory, started and stopped together."""

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path

from recommender.stack import postgres, valkey
from recommender.stack.account import claim_directory, open_the_way, server_account
from recommender.stack.config import Layout, StackConfig, StackError, database_url
from recommender.stack.external import check_pgvector
from recommender.stack.processes import file_lock


def ensure_data_dir(config: StackConfig) -> None:
    """Make the data directory and its parts, if they are missing.

    Raises:
        StackError: this user may not write there.
    """
    layout = config.layout
    try:
        for directory in (layout.data_dir, layout.run, layout.logs):
            if not directory.exists():
                directory.mkdir(parents=True, exist_ok=True)
                directory.chmod(0o700)
            elif os.geteuid() != 0 and _is_passed_by_all(directory):
                directory.chmod(0o700)
    except OSError as exc:
        raise StackError(
            f"Cannot make the data directory {exc.filename}: {exc.strerror}. "
            "Set KINSHIP_DATA_DIR to a directory that you may write."
        ) from exc
    check_access(config)


def check_access(config: StackConfig) -> None:
    """Check that this user may manage the stack of this data directory.

    Raises:
        StackError: it is another user's.
    """
    layout = config.layout
    for directory in (layout.data_dir, layout.run, layout.logs):
        if directory.exists() and not _may_write(directory):
            raise StackError(
                f"No permission to write in {directory}, which belongs to {_owner(directory)}. "
                "Run this as that user, or set KINSHIP_DATA_DIR to a directory of your own."
            )


def ensure_started(config: StackConfig) -> None:
    """Start the embedded servers that are wanted and do not answer.

    Safe to call at any time from several processes.

    Raises:
        StackError: one cannot start, or its pgvector is too old.
    """
    check_access(config)
    if not missing_servers(config):
        return
    ensure_data_dir(config)
    with file_lock(_start_lock(config)):
        missing = missing_servers(config)
        _start(config.layout, missing)
    if "postgres" in missing:
        check_pgvector(database_url(config))


def start_database(config: StackConfig, settings: Mapping[str, str], seconds: int) -> None:
    """Start the embedded PostgreSQL alone, with settings that hold until it stops.

    Args:
        seconds: it may take until it answers.

    Raises:
        StackError: it cannot start.
    """
    ensure_data_dir(config)
    with file_lock(_start_lock(config)):
        account = server_account(config.layout)
        claim_directory(config.layout.sockets, account)
        open_the_way(config.layout, account)
        postgres.prepare(config.layout, account)
        postgres.start(config.layout, account, settings, seconds)


def stop(config: StackConfig) -> list[str]:
    """Stop the embedded servers cleanly; the names of those that ran.

    Raises:
        StackError: they are another user's.
    """
    check_access(config)
    layout = config.layout
    if not layout.run.exists():
        return []
    with file_lock(_start_lock(config)):
        broker = valkey.request_stop(layout)
        database = postgres.request_stop(layout)
        if broker is not None:
            valkey.await_stop(broker)
        if database is not None:
            postgres.await_stop(database)
    return [
        name
        for name, process in (("postgres", database), ("valkey", broker))
        if process is not None
    ]


def missing_servers(config: StackConfig) -> set[str]:
    """The names of the servers that should be embedded and do not answer."""
    missing = set()
    if config.database_url is None and not postgres.ready(config.layout):
        missing.add("postgres")
    if config.broker_url is None and not valkey.ready(config.layout):
        missing.add("valkey")
    return missing


def _start(layout: Layout, servers: set[str]) -> None:
    """Start them side by side."""
    if not servers:
        return
    account = server_account(layout)
    claim_directory(layout.sockets, account)
    open_the_way(layout, account)
    if "postgres" in servers:
        postgres.prepare(layout, account)
    if "valkey" in servers:
        valkey.launch(layout, account)
    if "postgres" in servers:
        postgres.start(layout, account)
    if "valkey" in servers:
        valkey.await_start(layout)


def _start_lock(config: StackConfig) -> Path:
    return config.layout.run / "start.lock"


def _is_passed_by_all(directory: Path) -> bool:
    """As it was made by versions before, for the servers' own user that only root needs."""
    status = directory.stat()
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == 0o711


def _may_write(directory: Path) -> bool:
    return os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def _owner(directory: Path) -> str:
    uid = directory.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
