"""The database: its version, tables, indexes, transactions, connections, clock and settings."""

import time
from collections.abc import Iterator

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from recommender import database
from recommender.monitoring.doctor.finding import Finding, error, warning
from recommender.spaces import index
from recommender.stack.external import pgvector_problem

_LONGEST_TRANSACTION_SECONDS = 600
_CLOCK_SECONDS = 2.0
_CONNECTIONS_SHARE = 0.8
_SHOWN = 5

_VECTOR = """
SELECT (SELECT default_version FROM pg_available_extensions WHERE name = 'vector'),
    (SELECT extversion FROM pg_extension WHERE extname = 'vector')
"""
_INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
# Tables of which a fifth is dead, more than autovacuum leaves by its defaults.
_BLOATED = """
SELECT relname, n_dead_tup::float / (n_live_tup + n_dead_tup)
FROM pg_stat_user_tables
WHERE n_dead_tup > 50000 AND n_dead_tup > 0.3 * n_live_tup ORDER BY n_dead_tup DESC
"""
_LONG = """
SELECT pid, state, EXTRACT(epoch FROM now() - xact_start)::int, application_name
FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
  AND xact_start < now() - make_interval(secs => %s) ORDER BY xact_start
"""
_CONNECTIONS = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,
    current_setting('max_connections')::int
"""
_UNSAFE = """
SELECT name FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'autovacuum') AND setting = 'off'
"""


def extension() -> Iterator[Finding]:
    """pgvector, as it is installed."""
    available, installed = database.fetch(_VECTOR)[0]
    if problem := pgvector_problem(available, installed):
        yield error("pgvector", problem, "./kinship migrate, once the server has it")


def tables() -> Iterator[Finding]:
    """Whether all migrations are applied."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
        yield error("migrations", f"not applied: {names}", "./kinship migrate, or ./kinship up")


def indexes() -> Iterator[Finding]:
    """Indexes that no query can use."""
    for space in index.lost():
        text = f"the index of space {space} is missing: every search compares all its vectors"
        yield error("indexes", text, "./kinship embed --catalog NAME")
    invalid = [name for (name,) in database.fetch(_INVALID)]
    if invalid:
        text = f"not valid: {', '.join(invalid[:_SHOWN])}"
        yield error("indexes", text, "REINDEX INDEX CONCURRENTLY them, one by one, in psql")


def bloat() -> Iterator[Finding]:
    """Tables full of dead rows, which slow every search of them."""
    for name, share in database.fetch(_BLOATED)[:_SHOWN]:
        mend = f"VACUUM (ANALYZE) {name} in psql; look for old transactions that keep it from that"
        yield warning("bloat", f"{share:.0%} of the rows of {name} are dead", mend)


def transactions() -> Iterator[Finding]:
    """Transactions that keep vacuum from its work, and locks from others."""
    for pid, state, seconds, application in database.fetch(_LONG, (_LONGEST_TRANSACTION_SECONDS,)):
        text = f"process {pid} ({application or 'unnamed'}, {state}) is in one for {seconds:,} s"
        yield warning("transactions", text, f"SELECT pg_terminate_backend({pid}) in psql")


def connections() -> Iterator[Finding]:
    """Whether the server has room for more."""
    used, most = database.fetch(_CONNECTIONS)[0]
    if used > _CONNECTIONS_SHARE * most:
        mend = "raise max_connections, run fewer processes, or put a pooler between"
        yield warning("connections", f"{used} of {most} are in use", mend)


def clock() -> Iterator[Finding]:
    """Whether this machine and the server agree on the time."""
    before = time.time()
    server = float(database.fetch("SELECT EXTRACT(epoch FROM clock_timestamp())::float")[0][0])
    apart = server - (before + time.time()) / 2
    if abs(apart) > _CLOCK_SECONDS:
        text = f"the database's clock is {apart:+.1f} s from this machine's"
        yield error("clock", text, "run chrony or another NTP client on both machines")


def server_settings() -> Iterator[Finding]:
    """Settings of the server that lose data, or let it rot."""
    for (name,) in database.fetch(_UNSAFE):
        yield error("server settings", f"{name} is off", f"set {name} = on in postgresql.conf")


CHECKS = {
    "pgvector": extension,
    "migrations": tables,
    "indexes": indexes,
    "bloat": bloat,
    "transactions": transactions,
    "connections": connections,
    "clock": clock,
    "server settings": server_settings,
}
