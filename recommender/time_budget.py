"""How long a request may take, where it says so: what runs in it asks what is left.

`recommender.database` has the server stop each statement in time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# As `degraded`.
TIMEOUT = "timeout"


class TimeUpError(Exception):
    """What a request may take is used up."""


# When the work at hand is to have ended, by time.monotonic(); None where it may take its time.
_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the work in this block so long."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


@contextmanager
def a_part(share: float) -> Iterator[None]:
    """Give the work in this block a share of what is left, so that there is time for the rest."""
    seconds = left()
    if seconds is None:
        yield
        return
    with within(share * seconds):
        yield


def left() -> float | None:
    """How many seconds are left; None where there is no budget.

    Raises:
        TimeUpError: none are.
    """
    ends = _ends.get()
    if ends is None:
        return None
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise TimeUpError
    return seconds
