"""Whether a database has a pgvector that Kinship can use."""

import re

from recommender.stack.connection import connect
from recommender.stack.errors import StackError

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
