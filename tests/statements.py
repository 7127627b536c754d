"""How many statements a call takes, what a process remembers being remembered."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext


def fewest(call: Callable[[], object]) -> int:
    """The least of five calls: what is remembered for half a second may end before any of them."""
    return min(_statements(call) for _ in range(5))


def _statements(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)
