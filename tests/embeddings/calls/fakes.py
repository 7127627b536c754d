"""A limiter and a circuit that keep their state in memory, for tests without a database."""

import time
from collections.abc import Callable
from threading import Lock

from embeddings.calls.circuit import PROBE_SECONDS, THRESHOLD, open_error, pause
from embeddings.calls.rate_limit import LONGEST_WAIT, Rate, RateLimitState, held, reserved


class FakeLimiter:
    """Implements `embeddings.calls.rate_limit.Limiter`; `clock` gives seconds."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._state = RateLimitState()
        self._lock = Lock()

    def delay(self, tokens: int, longest: float = LONGEST_WAIT) -> float:
        with self._lock:
            self._state, wait = reserved(self._state, self._clock(), self._rate, tokens, longest)
        return wait

    def throttled(self, retry_after: float | None) -> None:
        with self._lock:
            self._state = held(self._state, self._clock(), retry_after)


class FakeCircuit:
    """Implements `embeddings.calls.circuit.Circuit`; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failures, self._open_until = 0, 0.0
        self._is_probing = False

    def check(self) -> None:
        with self._lock:
            if self._failures < THRESHOLD:
                return
            now = self._clock()
            if now < self._open_until:
                raise open_error("acme", "Down.", self._open_until - now)
            self._is_probing = True
            self._open_until = now + PROBE_SECONDS

    def failed(self, reason: str) -> None:  # noqa: ARG002 - the protocol's
        with self._lock:
            now = self._clock()
            if now < self._open_until and not self._is_probing:
                return
            self._failures += 1
            self._open_until = now + pause(self._failures)
            self._is_probing = False

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._open_until, self._is_probing = 0, 0.0, False
