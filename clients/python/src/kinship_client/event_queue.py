"""Events sent in the background, so that no page waits for them."""

import atexit
import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass

from kinship_client import calls, options
from kinship_client.client import Kinship
from kinship_client.errors import KinshipError

log = logging.getLogger("kinship_client")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds, while the service is away


@dataclass(slots=True)
class Counts:
    """What became of the events so far."""

    sent: int = 0
    rejected: int = 0  # by the service, each with a reason in the log
    dropped: int = 0  # for want of room or of a service; said in the log


class EventQueue:
    """A queue of events, which a thread sends some at a time.

    `put` never waits and never fails. Events wait while the service is away; where there is no more
    room for them, and where they are still there when the process ends, they are dropped, counted
    and said in the log. At the end of the process what is left is sent. After a fork the
    child has an empty queue of its own.

    Args:
        client: by which they are sent; the thread has it with others.
        batch: so many are sent at once.
        seconds: after so long they are sent though there are fewer.
        capacity: so many wait at most.
        at_exit: seconds that the end of the process may take for them.
    """

    def __init__(
        self,
        client: Kinship,
        *,
        batch: int = 100,
        seconds: float = 1.0,
        capacity: int = 10_000,
        at_exit: float = 5.0,
    ) -> None:
        if not 0 < batch <= capacity:
            raise ValueError("a batch has at least one event, and fits the capacity")
        self._client, self._batch, self._seconds = client, batch, seconds
        self._capacity, self._at_exit = capacity, at_exit
        self._begin()
        atexit.register(self.close)

    def _begin(self) -> None:
        self.counts = Counts()
        self._waiting: deque[options.Event] = deque()
        self._changed = threading.Condition()
        self._in_flight = 0
        self._flushing = self._closed = False
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def put(self, event: options.Event) -> None:
        """Have an event sent soon; it gets its id and its time now."""
        if self._process != os.getpid():
            self._begin()
        whole = calls.complete(event)
        with self._changed:
            if self._closed or len(self._waiting) >= self._capacity:
                self._drop(1, "the queue is closed" if self._closed else "the queue is full")
                return
            self._waiting.append(whole)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="kinship", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float = 10.0) -> bool:
        """Send what waits; whether all of it was, within so long."""
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            done = self._changed.wait_for(self._is_empty, seconds)
            self._flushing = False
        return done

    def close(self) -> None:
        """Send what waits, drop what cannot be sent, and take no more."""
        if self._closed or self._process != os.getpid():
            return
        self.flush(self._at_exit)
        with self._changed:
            self._closed = True
            if self._waiting:
                self._drop(len(self._waiting), "the process ends")
                self._waiting.clear()
            self._changed.notify_all()

    def _is_empty(self) -> bool:
        return not self._waiting and not self._in_flight

    def _drop(self, count: int, reason: str) -> None:
        before = self.counts.dropped
        self.counts.dropped += count
        # A full queue drops thousands; the log has the first and then every thousandth.
        if before == 0 or before // 1000 != self.counts.dropped // 1000:
            log.warning("%s: %s events dropped so far", reason, self.counts.dropped)

    def _run(self) -> None:
        pause = 0.0
        while events := self._next():
            pause = 0.0 if self._deliver(events) else min(_LONGEST_PAUSE, pause * 2 or _FIRST_PAUSE)
            with self._changed:
                self._in_flight = 0
                self._changed.notify_all()
                if pause:
                    self._changed.wait_for(lambda: self._closed, pause)

    def _next(self) -> list[options.Event]:
        """The next events to send, when it is time; none once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed)
            until = time.monotonic() + self._seconds
            self._changed.wait_for(self._is_due, max(0.0, until - time.monotonic()))
            count = min(self._batch, len(self._waiting))
            events = [self._waiting.popleft() for _ in range(count)]
            self._in_flight = count
            return events

    def _is_due(self) -> bool:
        return self._flushing or self._closed or len(self._waiting) >= self._batch

    def _deliver(self, events: list[options.Event]) -> bool:
        """Send events; whether the service took them, or never will."""
        try:
            answer = self._client.send_events(events)
        except KinshipError as exc:
            return self._failed(events, exc)
        self.counts.sent += len(events) - answer["rejected"]
        self.counts.rejected += answer["rejected"]
        for event, result in zip(events, answer["results"], strict=True):
            if result["status"] == "rejected":
                log.warning("event %s rejected: %s", event, result.get("reason"))
        return True

    def _failed(self, events: list[options.Event], error: KinshipError) -> bool:
        if not error.is_passing:
            with self._changed:
                self._drop(len(events), str(error))
            log.error("events refused: %s", error)
            return True
        log.warning("events wait: %s", error)
        with self._changed:
            if self._closed:
                self._drop(len(events), str(error))
            else:
                self._waiting.extendleft(reversed(events))
        return False
