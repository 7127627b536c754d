"""What the stub was asked, and what it answered."""

import threading
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_KEPT_CALLS = 1000


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its path, headers (names in lower case), JSON body and its caller's port."""

    path: str
    headers: Mapping[str, str]
    body: Any
    port: int


class Record:
    """Counts since the start. Safe to share between threads.

    `statuses` counts answers by HTTP status, with 0 for connections that were cut. `paid` counts
    how often each row was answered with a 200: a row above 1 was paid for twice. `calls` are the
    last requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.statuses: Counter[int] = Counter()
        self.paid: Counter[str] = Counter()
        self.calls: deque[Call] = deque(maxlen=_KEPT_CALLS)

    @property
    def throttled(self) -> int:
        """How many calls were answered with a 429."""
        return self.statuses[429]

    def asked(self, call: Call) -> None:
        with self._lock:
            self.requests += 1
            self.calls.append(call)

    def answered(self, status: int, rows: Sequence[str] = ()) -> None:
        """`rows` are those that the caller pays for."""
        with self._lock:
            self.statuses[status] += 1
            self.paid.update(rows)

    def summary(self) -> dict[str, Any]:
        """The counts, as JSON."""
        with self._lock:
            return {
                "requests": self.requests,
                "statuses": {str(status): count for status, count in self.statuses.items()},
                "rows": self.paid.total(),
                "rows_paid_twice": sum(count > 1 for count in self.paid.values()),
            }
