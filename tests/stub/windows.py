"""A limit on what passes in any stretch of time."""

from collections import deque


class SlidingWindow:
    """No more than `most` in any `seconds`; what is refused does not count."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._passed: deque[tuple[float, int]] = deque()
        self._sum = 0

    def admits(self, now: float, amount: int = 1) -> bool:
        """Whether so much may pass now; it is counted if so."""
        while self._passed and self._passed[0][0] <= now - self._seconds:
            self._sum -= self._passed.popleft()[1]
        if self._sum + amount > self._most:
            return False
        self._passed.append((now, amount))
        self._sum += amount
        return True


def per_second(requests_per_minute: int) -> SlidingWindow:
    """A limit of requests a minute, held in every second (or as long as one request takes)."""
    most = max(1, requests_per_minute // 60)
    return SlidingWindow(most, most * 60 / requests_per_minute)
