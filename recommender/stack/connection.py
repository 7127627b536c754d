"""One plain connection to the database, with errors that say what to do."""

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from recommender.stack.errors import StackError

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
