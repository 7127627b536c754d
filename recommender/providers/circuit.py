"""The circuit of each provider, shared by all processes: a row of `ProviderCircuit`.

There is no row while a provider is well, and nothing is written then. What is written must be
seen by others at once: outside any transaction of the caller, or it is refused.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from embeddings.calls.circuit import ALWAYS_CLOSED, PROBE_SECONDS, Circuit, open_error, pause
from embeddings.spec import ModelSpec
from recommender import database

log = structlog.get_logger()

# While it makes calls, a process looks at the row this often, in seconds.
_FRESH_SECONDS = 1.0
_LONGEST_REASON = 300

_READ = """
SELECT failures, extract(epoch FROM open_until - clock_timestamp())::float8, reason
FROM recommender_providercircuit WHERE provider = %s
"""
_CLAIM = """
UPDATE recommender_providercircuit SET open_until = clock_timestamp() + %s
WHERE provider = %s AND open_until <= clock_timestamp()
"""
# Failures that come in while the circuit is open, but for the probe's, say nothing new.
_COUNT = """
INSERT INTO recommender_providercircuit AS c (provider, failures, reason)
VALUES (%(provider)s, 1, %(reason)s)
ON CONFLICT (provider) DO UPDATE SET failures = c.failures + 1, reason = excluded.reason
WHERE c.open_until IS NULL OR c.open_until <= clock_timestamp() OR %(is_probe)s
RETURNING failures
"""
_OPEN = """
UPDATE recommender_providercircuit
SET opened_at = coalesce(opened_at, clock_timestamp()), open_until = clock_timestamp() + %s
WHERE provider = %s
"""
_CLOSE = "DELETE FROM recommender_providercircuit WHERE provider = %s RETURNING opened_at"
_LIST_OPEN = """
SELECT provider, opened_at,
    greatest(0, extract(epoch FROM open_until - clock_timestamp()))::float8, reason
FROM recommender_providercircuit WHERE open_until IS NOT NULL ORDER BY provider
"""


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """A provider that is left alone; `seconds` until it is asked again, 0 when it is due."""

    provider: str
    opened_at: datetime
    seconds: float
    reason: str


def circuit(spec: ModelSpec) -> Circuit:
    """The circuit of a model's provider, for one run of calls; a local model's is always closed."""
    return SharedCircuit(spec.provider) if spec.is_hosted else ALWAYS_CLOSED


def open_circuits() -> list[OpenCircuit]:
    """The providers that are left alone, by name."""
    return [OpenCircuit(*row) for row in database.fetch(_LIST_OPEN)]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The row as it was last seen, and when; `wait` is in seconds from then, None when closed."""

    failures: int = 0
    wait: float | None = None
    reason: str = ""
    at: float = float("-inf")


class SharedCircuit:
    """Implements `embeddings.calls.circuit.Circuit` on the provider's row."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._seen = _Seen()
        self._is_probing = False

    def check(self) -> None:
        """Implements `Circuit.check`."""
        if time.monotonic() - self._seen.at > _FRESH_SECONDS:
            self._look()
        wait = self._wait()
        if wait is None or (wait <= 0 and self._claim_probe()):
            return
        raise open_error(self._provider, self._seen.reason, max(0.0, self._wait() or 0.0))

    def failed(self, reason: str) -> None:
        """Implements `Circuit.failed`."""
        reason = reason[:_LONGEST_REASON]
        counted = {"provider": self._provider, "reason": reason, "is_probe": self._is_probing}
        with transaction.atomic(durable=True):
            failures = next((row[0] for row in database.fetch(_COUNT, counted)), 0)
            if seconds := pause(failures):
                database.execute(_OPEN, (timedelta(seconds=seconds), self._provider))
        self._is_probing = False
        self._look()
        if seconds:
            log.warning(
                "provider down, left alone",
                provider=self._provider,
                failures=failures,
                seconds=seconds,
                reason=reason,
            )

    def succeeded(self) -> None:
        """Implements `Circuit.succeeded`."""
        if not self._seen.failures:
            return
        with transaction.atomic(durable=True):
            closed = database.fetch(_CLOSE, (self._provider,))
        self._seen, self._is_probing = _Seen(at=time.monotonic()), False
        if closed and closed[0][0] is not None:
            log.info("provider answers again", provider=self._provider)

    def _look(self) -> None:
        rows = database.fetch(_READ, (self._provider,))
        failures, wait, reason = rows[0] if rows else (0, None, "")
        self._seen = _Seen(failures, wait, reason, time.monotonic())

    def _wait(self) -> float | None:
        if self._seen.wait is None:
            return None
        return self._seen.wait - (time.monotonic() - self._seen.at)

    def _claim_probe(self) -> bool:
        """Whether this is the one that may ask the provider now."""
        until = timedelta(seconds=PROBE_SECONDS)
        with transaction.atomic(durable=True):
            claimed = database.execute(_CLAIM, (until, self._provider))
        self._look()
        # Somebody else's success may have closed the circuit meanwhile.
        self._is_probing = bool(claimed)
        return self._is_probing or self._seen.wait is None
