"""An external database: whether it can be reached, and its pgvector used."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from recommender.stack.config import StackConfig, StackError

# 0.8.0 brought iterative scans, which filtered search needs; 0.8.4 fixed them.
MINIMUM = (0, 8, 4)
_MINIMUM_TEXT = ".".join(map(str, MINIMUM))

_VERSIONS = """
    SELECT default_version, installed_version
    FROM pg_available_extensions WHERE name = 'vector'
"""


def check_pgvector(connection_url: str) -> None:
    """Check the pgvector that is, or would be, installed in a database.

    Raises:
        StackError: the database cannot be reached, or its pgvector is missing or too old.
    """
    with connect(connection_url) as connection:
        row = connection.execute(_VERSIONS).fetchone()
    if problem := pgvector_problem(*(row or (None, None))):
        raise StackError(problem)


def pgvector_problem(available: str | None, installed: str | None) -> str | None:
    """What is wrong with a server's pgvector, and what to do; None when it will do.

    Args:
        available: the version that the server's files offer.
        installed: the version that `CREATE EXTENSION` installed in the database.
    """
    if available is None:
        return (
            f"The database server has no pgvector. Install pgvector {_MINIMUM_TEXT} or newer on "
            "it, or unset DATABASE_URL to use the embedded PostgreSQL."
        )
    if _parse(available) < MINIMUM:
        return (
            f"The database server has pgvector {available}; Kinship needs {_MINIMUM_TEXT} or "
            "newer. Upgrade it, or unset DATABASE_URL to use the embedded PostgreSQL."
        )
    if installed is not None and _parse(installed) < MINIMUM:
        return (
            f"The database still uses pgvector {installed}, though {available} is installed on "
            "its server. Run as its owner: ALTER EXTENSION vector UPDATE"
        )
    return None


def _parse(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


_CONNECT_SECONDS = 5


def connect(url: str) -> "psycopg.Connection[tuple[str | None, ...]]":
    """Connect to a database.

    Raises:
        StackError: it cannot be reached, or refuses the connection.
    """
    try:
        return psycopg.connect(url, connect_timeout=_CONNECT_SECONDS)
    except psycopg.OperationalError as exc:
        raise StackError(
            f"Cannot connect to the database {_place(url)}: {_reason(exc)}. Check that it runs "
            "and that DATABASE_URL is right, or unset DATABASE_URL to use the embedded one."
        ) from exc


def _place(url: str) -> str:
    """Host, port and name of a database: its URL without what is secret."""
    parts = conninfo_to_dict(url)
    return (
        f"{parts.get('dbname', '')} at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
    )


def _reason(error: psycopg.OperationalError) -> str:
    """The server's or the network's own words, of libpq's several lines around them."""
    own_words: list[str] = re.findall(r"^.*failed: +(.+)$", str(error), re.MULTILINE)
    return own_words[-1].strip() if own_words else str(error).strip()


def check_database(config: StackConfig) -> None:
    """Check an external database; an embedded one is checked when it starts.

    Raises:
        StackError: it cannot be reached, or has no usable pgvector.
    """
    if config.database_url is not None:
        check_pgvector(config.database_url)
