"""The plans that PostgreSQL really ran, prepared statements included."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.errors import Diagnostic

from recommender import database


@contextmanager
def vector_plans() -> Iterator[list[str]]:
    """A list that grows by the plan of every statement that reads product vectors.

    Within a transaction, at whose end the session is told no more.
    """
    plans: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        message = diagnostic.message_primary or ""
        if " plan:\n" in message and "recommender_productvector" in message:
            plans.append(message.split("\nQuery Text:", 1)[1])

    database.execute("LOAD 'auto_explain'")
    for name, value in {"auto_explain.log_min_duration": "0", "client_min_messages": "log"}.items():
        database.fetch("SELECT set_config(%s, %s, true)", (name, value))
    session = connection.connection
    session.add_notice_handler(note)
    try:
        yield plans
    finally:
        # The plan of a statement comes when the next one begins.
        database.fetch("SELECT set_config('client_min_messages', 'notice', true)")
        session.remove_notice_handler(note)
