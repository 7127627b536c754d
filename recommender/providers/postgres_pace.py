"""The pace of rate limits in PostgreSQL, where the broker is neither Valkey nor Redis.

Each use is a transaction of its own, of a millisecond: a lock held for the length of the caller's
would stop every worker. Within another transaction it is refused.
"""

from collections.abc import Callable
from dataclasses import asdict, fields

from django.db import transaction
from psycopg import sql

from embeddings.calls import rate_limit
from embeddings.calls.rate_limit import Pace, Rate
from recommender import database

_COLUMNS = [field.name for field in fields(Pace)]
# The clock is read outside, and so after the row is locked.
_LOCK = sql.SQL("""
SELECT extract(epoch FROM clock_timestamp())::float8, locked.* FROM (
    SELECT {columns} FROM recommender_ratepace WHERE key = %s FOR UPDATE
) AS locked
""").format(columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
_CREATE = sql.SQL("""
INSERT INTO recommender_ratepace (key, {columns}) VALUES (%s, {zeros}) ON CONFLICT DO NOTHING
""").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    zeros=sql.SQL(", ").join([sql.Literal(0.0)] * len(_COLUMNS)),
)
# A pace that a crash of the server loses was worth a second: the disk need not confirm it.
_UPDATE = sql.SQL("""
UPDATE recommender_ratepace SET {changes} FROM set_config('synchronous_commit', 'off', true)
WHERE key = %(key)s
""").format(
    changes=sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in _COLUMNS
    )
)


def reserve(key: str, rate: Rate, tokens: int, longest: float) -> float:
    """`limits.reserved` on the shared pace: the seconds to wait."""
    return _change(key, lambda pace, now: rate_limit.reserved(pace, now, rate, tokens, longest))


def hold(key: str, retry_after: float | None) -> None:
    """`limits.held` on the shared pace."""
    _change(key, lambda pace, now: (rate_limit.held(pace, now, retry_after), 0.0))


def _change(key: str, change: Callable[[Pace, float], tuple[Pace, float]]) -> float:
    with transaction.atomic(durable=True):
        rows = database.fetch(_LOCK, (key,))
        if not rows:
            database.execute(_CREATE, (key,))
            rows = database.fetch(_LOCK, (key,))
        now, *values = rows[0]
        pace, wait = change(Pace(**dict(zip(_COLUMNS, values, strict=True))), now)
        database.execute(_UPDATE, asdict(pace) | {"key": key})
    return wait
