"""Leaving alone a provider that is down (a circuit breaker: Nygard 2007, "Release It!").

Closed, it lets every call pass and counts failures in a row. At `THRESHOLD` it opens: nothing
passes for a while, then one call, the probe. Its success closes the circuit; its failure opens it
again, for twice as long.
"""

from dataclasses import dataclass
from typing import Protocol

from embeddings.errors import Unavailable

THRESHOLD = 5
# How long the circuit stays open, in seconds: the first time, and at the most.
SHORTEST_PAUSE = 30.0
LONGEST_PAUSE = 600.0
# A probe that was not heard of for so many seconds is lost, and another one may go.
PROBE_SECONDS = 60.0

_MOST_DOUBLINGS = 10


class Circuit(Protocol):
    """Whether a provider may be asked. Safe to share between threads."""

    def check(self) -> None:
        """Let a call pass, or not.

        Raises:
            Unavailable: the circuit is open; `retry_after` says for how long.
        """
        ...

    def failed(self, reason: str) -> None:
        """A call found the provider down."""
        ...

    def succeeded(self) -> None:
        """A call was answered."""
        ...


@dataclass(frozen=True, slots=True)
class _AlwaysClosed:
    def check(self) -> None:
        pass

    def failed(self, reason: str) -> None:
        pass

    def succeeded(self) -> None:
        pass


ALWAYS_CLOSED: Circuit = _AlwaysClosed()


def pause(failures: int) -> float:
    """How many seconds the circuit is open after so many failures in a row; 0: it stays closed."""
    if failures < THRESHOLD:
        return 0.0
    doublings = min(failures - THRESHOLD, _MOST_DOUBLINGS)
    return min(SHORTEST_PAUSE * 2.0**doublings, LONGEST_PAUSE)


def open_error(provider: str, reason: str, seconds: float) -> Unavailable:
    """What a call gets that an open circuit does not let pass."""
    return Unavailable(
        f"{provider} is down and is asked again in {seconds:.0f} s: {reason}", retry_after=seconds
    )
