"""What must be done before the service can start: servers, tables, static files.

Needs Django to be set up; the rest of the package does not.
"""

import hashlib
import pkgutil
import shutil
from collections.abc import Iterator

from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import InsufficientPrivilege

from recommender import VERSION, migrations
from recommender.stack import archive
from recommender.stack.broker import check_broker
from recommender.stack.config import Layout, StackConfig, StackError, database_url
from recommender.stack.embedded import ensure_started
from recommender.stack.external import check_database, connect
from recommender.stack.restore import newer_migrations


def prepare(config: StackConfig) -> None:
    """Start or reach the servers, migrate the database and collect the static files.

    Quick where nothing is to do.

    Raises:
        StackError: a server cannot be used.
    """
    ensure_started(config)
    check_database(config)
    check_broker(config)
    archive.prepare(config)
    migrate(config)
    _collect_static_files(config.layout)
    _begin_to_count(config.layout)


def make_tables_if_none(config: StackConfig) -> None:
    """Migrate a database that has never been; one that has is `up`'s to bring up to date.

    Raises:
        StackError: the database's user may not.
    """
    with connect(database_url(config)) as link:
        if link.execute("SELECT to_regclass('django_migrations')").fetchone() != (None,):
            return
    migrate(config)


def known_migrations() -> frozenset[str]:
    """Those that this version has, as `recommender.0001_initial`."""
    names = pkgutil.iter_modules(migrations.__path__)
    return frozenset(f"recommender.{module.name}" for module in names)


def check_not_newer(config: StackConfig) -> None:
    """Check that no newer Kinship has migrated the database: what it made, this one misreads.

    Raises:
        StackError: one has, or the database cannot be reached.
    """
    with connect(database_url(config)) as link:
        if link.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
            return
        rows = link.execute("SELECT app || '.' || name FROM django_migrations").fetchall()
    if newer := newer_migrations({str(name) for (name,) in rows}, known_migrations()):
        raise StackError(
            f"The database was migrated by a newer Kinship than this {VERSION}: it has "
            f"{', '.join(newer)}, and a downgrade is not possible. Run the newer version, or "
            "restore a backup that was made before the upgrade: ./kinship restore FILE --force"
        )


def migrate(config: StackConfig) -> None:
    """Bring the database's tables up to date.

    Raises:
        StackError: a newer Kinship migrated it, or its user may not migrate.
    """
    check_not_newer(config)
    try:
        _migrate()
    finally:
        connection.close()


def _migrate() -> None:
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except ProgrammingError as exc:
        if not isinstance(exc.__cause__, InsufficientPrivilege):
            raise
        raise StackError(
            f"The database's user may not migrate it: {str(exc).strip()}. Make it the owner of "
            "the database, and run CREATE EXTENSION vector as a superuser."
        ) from exc


def _collect_static_files(layout: Layout) -> None:
    stamp = layout.run / "static.stamp"
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_bytes() == wanted.encode() and layout.static.is_dir():
        return
    layout.static.mkdir(exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted)


def _begin_to_count(layout: Layout) -> None:
    """Counts begin at zero with the processes; those of processes that are gone are of no use."""
    shutil.rmtree(layout.metrics, ignore_errors=True)
    layout.metrics.mkdir(exist_ok=True)


def _fingerprint() -> str:
    """Changes when any static file of any app does."""
    return hashlib.sha256("\n".join(sorted(_static_files())).encode()).hexdigest()


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            changed = storage.get_modified_time(path).timestamp()
            yield f"{path} {storage.size(path)} {changed}"
