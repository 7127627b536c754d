"""Restoring a backup: all of it, or nothing is changed.

The embedded server gets it in a database of its own, which takes the old one's name in one
transaction when it is whole. An external one must be empty, and gets it in one transaction.
"""

import json
import os
from collections.abc import Set
from contextlib import closing, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from recommender import VERSION
from recommender.stack.account import current, write_file
from recommender.stack.backup import (
    DATABASE,
    MB,
    SECRET_KEY,
    SETTINGS,
    Progress,
    check_parts,
    read_manifest,
    read_part,
)
from recommender.stack.client_programs import client_program
from recommender.stack.config import DATABASE_NAME, StackConfig, StackError, database_url
from recommender.stack.embedded import ensure_data_dir, ensure_started
from recommender.stack.external import check_database, connect
from recommender.stack.manifest import Manifest
from recommender.stack.physical import read_physical
from recommender.stack.processes import try_lock
from recommender.stack.status import State, collect

_RESTORING, _REPLACED = f"{DATABASE_NAME}_restoring", f"{DATABASE_NAME}_replaced"
_HAS_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    LIMIT 1
"""


def newer_migrations(applied: Set[str], known: Set[str]) -> list[str]:
    """Those of Kinship's own that this version does not have; it cannot work with what they made.

    Both as `recommender.0001_initial`. Other packages' are theirs to judge.
    """
    apps = {name.partition(".")[0] for name in known}
    return sorted(name for name in applied - known if name.partition(".")[0] in apps)


def inspect(file: Path, known: Set[str]) -> Manifest:
    """Check whether this Kinship can restore a backup; its manifest.

    Args:
        file: for a physical backup, its directory.
        known: the migrations that this version has, as `recommender.0001_initial`.

    Raises:
        StackError: it cannot: the file is no backup, or is of a newer Kinship.
    """
    manifest = read_physical(file) if file.is_dir() else read_manifest(file)
    if newer := newer_migrations(frozenset(manifest.migrations), known):
        raise StackError(
            f"{file} was made by Kinship {manifest.version}, which is newer than this {VERSION}: "
            f"it has {', '.join(newer)}, and a downgrade is not possible. Restore it with the "
            "Kinship that made it or a newer one. Nothing has been touched."
        )
    return manifest


def prepare_target(config: StackConfig, manifest: Manifest) -> bool:
    """Start or reach the database that is to be restored into; whether it has tables already.

    Raises:
        StackError: the service runs, or the server is older than the backup's.
    """
    running = [part.name for part in collect(config) if part.state is State.RUNNING]
    if running := [name for name in running if name not in ("postgres", "valkey")]:
        raise StackError(
            f"Kinship is running ({', '.join(running)}). Stop it first: ./kinship down"
        )
    ensure_data_dir(config)
    ensure_started(config)
    check_database(config)
    with connect(database_url(config)) as link:
        server = link.info.server_version // 10_000
        if server < manifest.postgres // 10_000:
            raise StackError(
                f"The backup is of PostgreSQL {manifest.postgres // 10_000}, this server is "
                f"{server}, and older ones do not read what newer ones wrote. Restore it into "
                f"PostgreSQL {manifest.postgres // 10_000} or newer. Nothing has been touched."
            )
        return bool(link.execute(_HAS_TABLES).fetchall())


def restore(config: StackConfig, file: Path, manifest: Manifest, progress: Progress) -> None:
    """Put a backup in the place of the database and of the secret key.

    Raises:
        StackError: the backup is damaged, the service has been started, or the database or the
            disk refuses; what was there stays.
    """
    check_parts(file, manifest, progress)
    url = database_url(config)
    # Held, no service starts meanwhile.
    claim = try_lock(config.layout.run / "supervisor.lock")
    if claim is None:
        raise StackError("Kinship is running. Stop it first: ./kinship down")
    try:
        if config.database_url is not None:
            _load(url, file, manifest, progress)
            _write_key(config, file)
        else:
            _replace(config, url, file, manifest, progress)
    except psycopg.Error as exc:
        raise StackError(f"The database refused the backup: {str(exc).strip()}") from exc
    except OSError as exc:
        raise StackError(f"Cannot restore {file}: {exc.strerror}. Nothing has changed.") from exc
    finally:
        os.close(claim)


def secret_key_of(file: Path) -> str:
    """The key that signed sessions where the backup was made."""
    return b"".join(read_part(file, SECRET_KEY)).decode()


def settings_of(file: Path) -> dict[str, str]:
    """The variables that were set where the backup was made."""
    variables: dict[str, str] = json.loads(b"".join(read_part(file, SETTINGS)))
    return variables


def _replace(
    config: StackConfig, url: str, file: Path, manifest: Manifest, progress: Progress
) -> None:
    """Restore beside the database, and take its place."""
    admin_url = make_conninfo(url, dbname="postgres")
    with closing(psycopg.connect(admin_url, autocommit=True)) as link:
        _drop(link, _RESTORING, _REPLACED)
        link.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(_RESTORING))
        )
        try:
            _load(make_conninfo(url, dbname=_RESTORING), file, manifest, progress)
            _write_key(config, file)
            with link.transaction():
                for old, new in ((DATABASE_NAME, _REPLACED), (_RESTORING, DATABASE_NAME)):
                    link.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                        [old],
                    )
                    link.execute(
                        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                            sql.Identifier(old), sql.Identifier(new)
                        )
                    )
        finally:
            with suppress(psycopg.OperationalError):  # where the server has gone, the next one does
                _drop(link, _RESTORING, _REPLACED)


def _drop(link: "psycopg.Connection[tuple[object, ...]]", *databases: str) -> None:
    for name in databases:
        link.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _load(url: str, file: Path, manifest: Manifest, progress: Progress) -> None:
    """Restore into an empty database in one transaction, then have it analysed."""
    done, total = 0, max(manifest.parts[DATABASE].size // MB, 1)
    # Other than the owner of an extension may not comment on it.
    options = ["--single-transaction", "--no-owner", "--no-privileges", "--no-comments"]
    with connect(url) as link:
        server = link.info.server_version
    with client_program("pg_restore", options, url, server, lambda _line: None) as process:
        with suppress(BrokenPipeError):  # its exit code and its words say why
            for chunk in read_part(file, DATABASE):
                if process.stdin is not None:
                    process.stdin.write(chunk)
                done += len(chunk)
                progress("Restoring the tables, in MB", done // MB, total)
        progress("Building indexes", 0, 0)
    with closing(psycopg.connect(url, autocommit=True)) as link:
        progress("Collecting statistics", 0, 0)
        link.execute("ANALYZE")


def _write_key(config: StackConfig, file: Path) -> None:
    write_file(config.data_dir / "secret_key", secret_key_of(file), current())
