"""The dispatcher of calls: which is made when, and what follows on its answer.

It decides, counts and keeps in one thread, the one that asks; only the calls themselves run in
others.
"""

import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from threading import Event

from embeddings.base import Embedder
from embeddings.calls import batching, tokens
from embeddings.calls.circuit import Circuit
from embeddings.calls.meter import Meter
from embeddings.calls.outcome import EmbeddedRow, Outcome, embedded_rows
from embeddings.calls.rate_limit import Limiter
from embeddings.errors import (
    BudgetSpent,
    EmbeddingError,
    Misconfigured,
    Rejected,
    Unavailable,
)
from embeddings.types import Embeddings, Input, Part, Role

# After the n-th attempt, the next waits for up to 0.25 * 2^n seconds.
_BACKOFF = 0.25
# Slots are reserved so long ahead, in seconds: what the dispatcher does with an answer must not
# cost the next slot, and after a refusal few calls may still follow at the old rate.
_LOOKAHEAD = 0.05

_UNTRIED = EmbeddingError("This row was not tried; embed it again.")

# None: not sent, as the run ended before its time came.
Answer = Embeddings | EmbeddingError | None
Submit = Callable[[Callable[[], Answer]], "Future[Answer]"]


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """A call to make, at `not_before` at the earliest, for the inputs from `start` to `stop`."""

    not_before: float
    start: int
    stop: int
    attempt: int = 1

    @property
    def rows(self) -> range:
        return range(self.start, self.stop)


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """One use of `embed_rows`."""

    embedder: Embedder
    inputs: Sequence[Input]
    role: Role
    limiter: Limiter
    circuit: Circuit
    meter: Meter
    concurrency: int
    attempts: int
    patience: float
    # A heap: the next call first.
    waiting: list[Call] = field(init=False)
    _sizes: list[int] = field(init=False)
    _made: list[Outcome] = field(init=False)
    _under_way: dict["Future[Answer]", tuple[Call, int]] = field(init=False, default_factory=dict)
    _answers: "SimpleQueue[Future[Answer]]" = field(init=False, default_factory=SimpleQueue)
    _next_at: float = field(init=False, default=0.0)
    _must_hear: bool = field(init=False, default=False)
    _end: EmbeddingError | None = field(init=False, default=None)
    _ended: Event = field(init=False, default_factory=Event)

    def __post_init__(self) -> None:
        spec = self.embedder.spec
        self._sizes = [tokens.estimate_input(source) for source in self.inputs]
        runs = batching.runs(self._sizes, spec.max_rows, spec.max_call_tokens)
        self.waiting = [Call(0.0, run.start, run.stop) for run in runs]
        self._made = [_UNTRIED] * len(self.inputs)

    def outcomes(self, submit: Submit) -> list[Outcome]:
        """Make the calls; what became of each row."""
        try:
            while self._under_way or (self.waiting and self._end is None):
                while self._seconds_to_next() <= 0:
                    self._start(heappop(self.waiting), submit)
                self._hear()
        finally:
            # None are under way but after an exception; what was sent is paid for.
            self._ended.set()
            while self._under_way:
                # Not by the queue: an interrupt may have swallowed an answer that was just taken.
                self._settle(next(iter(self._under_way)))
        if self._end is not None:
            for call in self.waiting:
                self._give_up(call, self._end)
        return self._made

    def _seconds_to_next(self) -> float:
        """Until a call may be started; infinite where an answer must come before."""
        is_full = self._must_hear or len(self._under_way) >= self.concurrency
        if is_full or not self.waiting or self._end is not None:
            return math.inf
        return max(self.waiting[0].not_before, self._next_at) - time.monotonic()

    def _hear(self) -> None:
        """Take up the next answer, if one comes before the next call may be started."""
        seconds = self._seconds_to_next()
        if math.isinf(seconds) and not self._under_way:
            return
        try:
            answer = self._answers.get(timeout=None if math.isinf(seconds) else max(0.0, seconds))
        except Empty:
            return
        self._must_hear = False
        self._settle(answer)

    def _start(self, call: Call, submit: Submit) -> None:
        size = sum(self._sizes[call.start : call.stop])
        try:
            self.circuit.check()
            self.meter.reserve(size)
        except BudgetSpent as exc:
            self._spend_less(call, exc)
            return
        except EmbeddingError as exc:
            heappush(self.waiting, call)
            self._hold_back(exc)
            return
        try:
            slot = time.monotonic() + self._delay(size)
        except EmbeddingError as exc:
            self.meter.failed(size)
            heappush(self.waiting, call)
            self._hold_back(exc)
            return
        self._next_at = slot - _LOOKAHEAD
        try:
            future = submit(partial(self._make, call, slot))
        except BaseException:
            self.meter.failed(size)
            raise
        self._under_way[future] = call, size
        future.add_done_callback(self._answers.put)

    def _delay(self, size: int) -> float:
        seconds = self.limiter.delay(size, self.patience)
        if seconds > self.patience:
            raise Unavailable(
                f"{self.embedder.spec.key} has no free slot for another {seconds:.0f} s: its limit "
                "a minute is used up, or the provider asked to wait.",
                retry_after=seconds,
                is_throttling=True,
            )
        return seconds

    def _hold_back(self, error: EmbeddingError) -> None:
        """End the run, unless an answer to come may close the circuit, as the probe's does."""
        if isinstance(error, Unavailable) and not error.is_throttling and self._under_way:
            self._must_hear = True
        else:
            self._finish(error)

    def _spend_less(self, call: Call, error: BudgetSpent) -> None:
        """Wait for what calls under way give back, then make smaller ones, then end the run."""
        if self._under_way or len(call.rows) == 1:
            heappush(self.waiting, call)
        else:
            self._halve(call)
            return
        if self._under_way:
            self._must_hear = True
        else:
            self._finish(error)

    def _make(self, call: Call, slot: float) -> Answer:
        """Make a call at its time. The one part that runs in other threads."""
        if self._ended.wait(max(0.0, slot - time.monotonic())):
            return None
        try:
            return self.embedder.embed(self.inputs[call.start : call.stop], self.role)
        except EmbeddingError as exc:
            # An outcome is kept; the frames of its traceback would keep the whole run.
            return exc.with_traceback(None)

    def _settle(self, future: "Future[Answer]") -> None:
        call, reserved = self._under_way.pop(future)
        try:
            answer = future.result()
        except BaseException:
            self.meter.failed(reserved)
            raise
        if isinstance(answer, Embeddings):
            self.circuit.succeeded()
            self.meter.answered(call.rows, reserved, answer)
            self._keep(call.rows, answer)
        elif answer is not None and isinstance(answer.paid, Part):
            self._take_part(call, reserved, answer, answer.paid)
        else:
            self.meter.failed(reserved)
            self._take(call, answer)

    def _take_part(self, call: Call, reserved: int, error: EmbeddingError, part: Part) -> None:
        """Book what was paid and keep what is good of it; ask for every other row alone."""
        good = [call.start + place for place in part.places]
        self.meter.answered(good, reserved, part.embeddings)
        if not good:
            self._take(call, self._as_of_one(error))
            return
        self.circuit.succeeded()
        self._keep(good, part.embeddings)
        for row in sorted(set(call.rows) - set(good)):
            alone = replace(call, start=row, stop=row + 1)
            if isinstance(error, Rejected):
                heappush(self.waiting, replace(alone, not_before=0.0))
            else:
                self._again(alone, error, None)

    def _as_of_one(self, error: EmbeddingError) -> EmbeddingError:
        """The error; a model that gave right vectors in this run is not another by one wrong."""
        has_answered = any(isinstance(made, EmbeddedRow) for made in self._made)
        if isinstance(error, Misconfigured) and has_answered:
            return Unavailable(str(error))
        return error

    def _take(self, call: Call, error: EmbeddingError | None) -> None:
        """What is to follow on a call without vectors."""
        if isinstance(error, Unavailable):
            self._retry(call, error)
        elif isinstance(error, Rejected):
            self.circuit.succeeded()
            self._bisect(call, error)
        else:
            heappush(self.waiting, call)
            if error is not None:
                self._finish(error)

    def _keep(self, rows: Sequence[int], answer: Embeddings) -> None:
        sizes = [self._sizes[row] for row in rows]
        for row, made in zip(rows, embedded_rows(answer, sizes), strict=True):
            self._made[row] = made

    def _retry(self, call: Call, error: Unavailable) -> None:
        if error.is_throttling:
            self.limiter.throttled(error.retry_after)
        else:
            self.circuit.failed(str(error))
        self._again(call, error, error.retry_after)

    def _again(self, call: Call, error: EmbeddingError, wait: float | None) -> None:
        """Make a call once more after a pause in seconds, or one that is drawn; or give it up."""
        if wait is None:
            wait = random.uniform(0.0, _BACKOFF * 2**call.attempt)  # noqa: S311 - no secret
        if call.attempt >= self.attempts or wait > self.patience:
            self._give_up(call, error)
            return
        at = time.monotonic() + wait
        heappush(self.waiting, Call(at, call.start, call.stop, call.attempt + 1))

    def _bisect(self, call: Call, error: Rejected) -> None:
        if len(call.rows) == 1:
            self._give_up(call, error)
            return
        self._halve(call)

    def _halve(self, call: Call) -> None:
        middle = (call.start + call.stop) // 2
        heappush(self.waiting, Call(0.0, call.start, middle))
        heappush(self.waiting, Call(0.0, middle, call.stop))

    def _give_up(self, call: Call, error: EmbeddingError) -> None:
        self._made[call.start : call.stop] = [error] * len(call.rows)

    def _finish(self, error: EmbeddingError) -> None:
        self._end = self._end or error
        self._ended.set()
