"""The rate limit of each hosted model, shared by all processes: a row of `RateLimit`.

Each use is a transaction of its own, of a millisecond: a lock held for the length of the caller's
would stop every worker. Within another transaction it is refused.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TypeAlias

from django.db import transaction
from psycopg import sql

from embeddings.calls.rate_limit import (
    LONGEST_WAIT,
    UNLIMITED,
    Limiter,
    Rate,
    RateLimitState,
    held,
    reserved,
)
from embeddings.providers.known_models import COMPATIBLE_SUFFIX
from embeddings.spec import ModelSpec
from recommender import database
from recommender.providers import models

# A state and the time in; the next state and the seconds to wait out.
Change: TypeAlias = Callable[[RateLimitState, float], tuple[RateLimitState, float]]

_COLUMNS = [field.name for field in fields(RateLimitState)]
# The clock is read outside, and so after the row is locked.
_LOCK = sql.SQL("""
SELECT extract(epoch FROM clock_timestamp())::float8, locked.* FROM (
    SELECT {columns} FROM recommender_ratelimit WHERE key = %s FOR UPDATE
) AS locked
""").format(columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
_CREATE = sql.SQL("""
INSERT INTO recommender_ratelimit (key, {columns}) VALUES (%s, {zeros}) ON CONFLICT DO NOTHING
""").format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    zeros=sql.SQL(", ").join([sql.Literal(0.0)] * len(_COLUMNS)),
)
# A state that a crash of the server loses was worth a second: the disk need not confirm it.
_UPDATE = sql.SQL("""
UPDATE recommender_ratelimit SET {changes} FROM set_config('synchronous_commit', 'off', true)
WHERE key = %(key)s
""").format(
    changes=sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in _COLUMNS
    )
)


def limiter(spec: ModelSpec) -> Limiter:
    """The limiter of a model: one for all who use it with the same account.

    Use it outside transactions.
    """
    rate = Rate.of(spec)
    if rate is None or not spec.is_hosted:
        return UNLIMITED
    # A model has one limit, whichever of its provider's protocols it is asked in.
    model = spec.key.removesuffix(COMPATIBLE_SUFFIX)
    return SharedLimiter(f"{models.account(spec.key) or spec.provider}:{model}", rate)


@dataclass(frozen=True, slots=True)
class SharedLimiter:
    """Implements `embeddings.calls.rate_limit.Limiter` on the row of a key."""

    key: str
    rate: Rate

    def delay(self, tokens: int, longest: float = LONGEST_WAIT) -> float:
        """Implements `Limiter.delay`."""
        return self._change(lambda state, now: reserved(state, now, self.rate, tokens, longest))

    def throttled(self, retry_after: float | None) -> None:
        """Implements `Limiter.throttled`."""
        self._change(lambda state, now: (held(state, now, retry_after), 0.0))

    def _change(self, change: Change) -> float:
        with transaction.atomic(durable=True):
            rows = database.fetch(_LOCK, (self.key,))
            if not rows:
                database.execute(_CREATE, (self.key,))
                rows = database.fetch(_LOCK, (self.key,))
            now, *values = rows[0]
            state, wait = change(RateLimitState(**dict(zip(_COLUMNS, values, strict=True))), now)
            database.execute(_UPDATE, asdict(state) | {"key": self.key})
        return wait
