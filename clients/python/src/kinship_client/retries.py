"""When a request is sent again, and after how long.

Exponential backoff with full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.
"""

import random
from dataclasses import dataclass

import httpx

from kinship_client.errors import PASSING

Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True, slots=True)
class Retries:
    """How often what failed for now is sent again.

    Attributes:
        times: so often at most, beside the first; 0 for never.
        first: seconds before the second time, at most; twice as many before each further one.
        longest: seconds; where the service asks for a longer pause, its error is raised instead.
    """

    times: int = 2
    first: float = 0.25
    longest: float = 10.0

    def wait_after(self, outcome: Outcome, sent: int) -> float | None:
        """The seconds to wait before the next time; None where there is none.

        Args:
            outcome: of the last time.
            sent: how often it was sent so far.
        """
        if sent > self.times or not _is_passing(outcome):
            return None
        asked = _asked_for(outcome)
        if asked is not None:
            return asked + random.uniform(0, self.first) if asked <= self.longest else None  # noqa: S311
        return random.uniform(0, min(self.longest, self.first * 2 ** (sent - 1)))  # noqa: S311


NEVER = Retries(times=0)


def _is_passing(outcome: Outcome) -> bool:
    return not isinstance(outcome, httpx.Response) or outcome.status_code in PASSING


def _asked_for(outcome: Outcome) -> float | None:
    """The seconds of `Retry-After`; a date is for browsers, and no service of ours sends one."""
    if not isinstance(outcome, httpx.Response):
        return None
    text = outcome.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() else None
