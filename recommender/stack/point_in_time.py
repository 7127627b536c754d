"""Restoring a physical backup, as of its end or of any later moment that an archive has.

All of it happens in a data directory inside the new one, which gives it up when it is whole.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from recommender.stack.account import Account, current, postgres_program, server_account, write_file
from recommender.stack.backup import MB, SECRET_KEY, SETTINGS, Progress
from recommender.stack.cluster import bundled_major
from recommender.stack.config import StackConfig, StackError
from recommender.stack.embedded import ensure_data_dir, start_database, stop
from recommender.stack.physical import (
    FILES,
    SERVERS_MANIFEST,
    PhysicalManifest,
    archive_of,
    files_of,
    part_of,
)
from recommender.stack.processes import try_lock
from recommender.stack.record import lock_path
from recommender.stack.wal import Coverage, coverage

_REPLAY_SECONDS = 7 * 24 * 3600


def check_target(config: StackConfig, manifest: PhysicalManifest) -> None:
    """Check that a physical backup can go where the configuration has its database.

    Raises:
        StackError: there is one already, it is an external one, or of another major version.
    """
    postgres = config.layout.postgres
    if config.database_url is not None:
        raise StackError(
            "A physical backup is restored as the embedded PostgreSQL, and DATABASE_URL names "
            "another server. Unset it, or restore a backup that was made without --physical."
        )
    if postgres.exists() and any(postgres.iterdir()):
        raise StackError(
            f"{config.data_dir} has a database, and a physical backup replaces none. Set "
            "KINSHIP_DATA_DIR to a new directory; swap the two when the new one is right."
        )
    had = str(manifest.postgres // 10_000)
    if had != (has := bundled_major()):
        raise StackError(
            f"The backup has the files of PostgreSQL {had}, and the embedded one is {has}. Restore "
            f"it with the Kinship that has PostgreSQL {had}, and upgrade from there. "
            "Nothing has been touched."
        )


def covered(config: StackConfig, manifest: PhysicalManifest, moment: datetime | None) -> Coverage:
    """What an archive has from a backup on; checked that a moment is in it.

    Args:
        moment: None for the latest.

    Raises:
        StackError: the backup or the archive does not have that moment, and which one is lacking.
    """
    run = archive_of(config, manifest)
    if run is None:
        raise StackError(
            "The backup was made without an archive, so it has the moment of its end only: "
            f"{_show(manifest.finished)}. Restore it without --to-time."
        )
    if moment is not None and moment < manifest.finished:
        raise StackError(
            f"{_show(moment)} is before the backup was finished, {_show(manifest.finished)}. "
            "Restore an earlier backup, or name a later time."
        )
    if not run.is_dir():
        raise StackError(
            f"The backup's archive {run} is not there. Set KINSHIP_WAL_ARCHIVE to the directory "
            f"that has {run.name}, or restore without --to-time."
        )
    found = coverage(run, manifest.position)
    if moment is not None and (found.until is None or moment > found.until):
        gap = f"lacks {found.missing}, or it is damaged, and " if found.missing else ""
        raise StackError(
            f"The archive {run} {gap}ends with the change of "
            f"{_show(found.until or manifest.finished)}; {_show(moment)} is later. Name that time "
            "or an earlier one, or --to-time latest."
        )
    return found


def _show(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Replay:
    """The log to replay after a backup; a moment of None is the latest."""

    segments: Mapping[str, Path]
    moment: datetime | None


def restore_physical(
    config: StackConfig,
    directory: Path,
    manifest: PhysicalManifest,
    replay: Replay | None,
    progress: Progress,
) -> None:
    """Make a data directory of a backup and of the log after it: all, or nothing is changed.

    Raises:
        StackError: the backup is damaged, the service has been started, or the server or the disk
            refuses.
    """
    check_target(config, manifest)
    ensure_data_dir(config)
    claim = try_lock(lock_path(config.layout))
    if claim is None:
        raise StackError("Kinship is running. Stop it first: ./kinship down")
    staged = replace(config, data_dir=config.data_dir / "restoring", broker_url="redis://none")
    try:
        progress("Checking the backup", 0, 0)
        _check(directory, manifest)
        shutil.rmtree(staged.data_dir, ignore_errors=True)
        ensure_data_dir(staged)
        account = server_account(config.layout)
        _copy(directory / FILES, staged.layout.postgres, account, progress)
        _recover(staged, replay, account, progress)
        stop(staged)
        if config.layout.postgres.exists():
            config.layout.postgres.rmdir()
        staged.layout.postgres.rename(config.layout.postgres)
        write_file(config.data_dir / SECRET_KEY, (directory / SECRET_KEY).read_text(), current())
    except OSError as exc:
        raise StackError(
            f"Cannot restore {directory}: {exc.strerror}. Nothing has changed."
        ) from exc
    finally:
        if staged.data_dir.exists():
            stop(staged)
            shutil.rmtree(staged.data_dir, ignore_errors=True)
        os.close(claim)


def _check(directory: Path, manifest: PhysicalManifest) -> None:
    """Compare every file with its checksum: ours with the manifest, the server's with its own."""
    damaged = [
        name
        for name in (SECRET_KEY, SETTINGS, SERVERS_MANIFEST)
        if not (directory / name).is_file() or part_of(directory / name) != manifest.parts.get(name)
    ]
    said = ", ".join(damaged)
    if not damaged:
        command = [str(postgres_program("pg_verifybackup")), "--quiet", str(directory / FILES)]
        # pg_verifybackup's own words name the file. S603: PostgreSQL's own program, no shell
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        said = done.stderr.strip() if done.returncode else ""
    if said:
        raise StackError(
            f"{directory} is damaged: {said}. Restore another backup. Nothing has been touched."
        )


def _copy(source: Path, target: Path, account: Account, progress: Progress) -> None:
    done, total = 0, max(sum(file.stat().st_size for file in files_of(source)) // MB, 1)

    def copy(from_: str, to: str) -> None:
        nonlocal done
        shutil.copyfile(from_, to)
        os.chmod(to, 0o600)
        done += os.path.getsize(to)
        progress("Restoring the files, in MB", done // MB, total)

    shutil.copytree(source, target, copy_function=copy)
    give(target, account)


def give(tree: Path, account: Account) -> None:
    """Let a tree of files be the account's, and closed to others."""
    for path in (tree, *tree.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
        if account.uid != os.geteuid():
            os.chown(path, account.uid, account.gid)


def _recover(
    config: StackConfig, replay: Replay | None, account: Account, progress: Progress
) -> None:
    """Run the server until it is as of the moment, and the log begins anew there."""
    options = {}
    if replay is not None:
        postgres = config.layout.postgres
        for name, segment in replay.segments.items():
            progress("Fetching the log", 0, 0)
            shutil.copyfile(segment, postgres / "pg_wal" / name)
        (postgres / "recovery.signal").touch()
        give(postgres, account)
        options = {
            # The log is in its place already; without a program it does not start.
            "restore_command": "false",
            "recovery_target_timeline": "current",
            "recovery_target_action": "promote",
            # Else it answers before it is there.
            "hot_standby": "off",
        }
        if replay.moment is not None:
            options["recovery_target_time"] = replay.moment.isoformat(sep=" ")
    progress("Replaying the log", 0, 0)
    start_database(config, options, _REPLAY_SECONDS)
