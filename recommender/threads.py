"""Few threads that answer requests, and a short queue before them in which callers take turns."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from recommender.api import problems
from recommender.api.problems import Problem

Argument = TypeVar("Argument")
Result = TypeVar("Result")

# Two, so that a slow request stops no process; more only contend for the interpreter: with four,
# similar products answer 6 % less often and their 99th percentile is no better. Each may hold a
# connection to the database.
_THREADS = 2
# What waits longer, or behind more, is sent away at once, and may ask again: its caller would have
# gone before it was answered.
_MOST_WAITING = 128
_WAIT_SECONDS = 10.0
# Of the calls that have their turn, so many more than there are threads: none waits for the loop.
_AHEAD = 1
_HANGS = "There was no answer within {:g} s: the database, or what else it waits for, hangs."


@dataclass(slots=True, eq=False)
class _Call:
    """A call on its way: it waits, then has its turn, then is over."""

    function: Callable[[Any], Any]
    argument: Any
    result: "asyncio.Future[Any]"
    turn: "Future[Any] | None" = None
    is_over: bool = False


class Threads:
    """Few threads, and a queue before them that is never long; for the calls of one event loop.

    Callers take turns (round robin, as in Nagle 1987): who calls a thousand times makes others wait
    for one of these calls and not for all. Where the queue is full, a newcomer takes the place of
    the last call of whoever has most in it.

    Args:
        most_waiting: how many calls may stand in the queue.
        seconds: how long one may.
    """

    def __init__(
        self,
        number: int = _THREADS,
        *,
        most_waiting: int = _MOST_WAITING,
        seconds: float = _WAIT_SECONDS,
    ) -> None:
        self._executor = ThreadPoolExecutor(number, thread_name_prefix="web")
        self._at_once = number + _AHEAD
        self._most = number + most_waiting
        self._seconds = seconds
        self._calls = self._having_turns = 0
        self._waiting: OrderedDict[Hashable, deque[_Call]] = OrderedDict()

    async def run(
        self,
        function: Callable[[Argument], Result],
        argument: Argument,
        *,
        seconds: float,
        caller: Hashable = None,
    ) -> Result:
        """What the function returns, called in a thread.

        Args:
            seconds: how long that may take; the thread is not free before it returns.
            caller: whose turn it takes.

        Raises:
            Problem: 503 where there is too much before it, or it takes too long.
        """
        if self._calls >= self._most and not self._makes_room(caller):
            raise problems.busy()
        loop = asyncio.get_running_loop()
        call = _Call(function, argument, loop.create_future())
        self._calls += 1
        self._waiting.setdefault(caller, deque()).append(call)
        self._give_turns()
        look = loop.call_later(min(seconds, self._seconds), self._look, call, seconds)
        try:
            result: Result = await call.result
            return result
        finally:
            look.cancel()

    def _makes_room(self, caller: Hashable) -> bool:
        """Send the last call away of who has most that wait, unless that is this caller."""
        longest = max(self._waiting, key=lambda one: len(self._waiting[one]), default=caller)
        own = len(self._waiting.get(caller, ()))
        if longest == caller or len(self._waiting[longest]) <= own + 1:
            return False
        self._send_away(self._waiting[longest].pop())
        return True

    def _give_turns(self) -> None:
        while self._having_turns < self._at_once and self._waiting:
            caller, calls = next(iter(self._waiting.items()))
            call = calls.popleft() if calls else None
            if calls:
                self._waiting.move_to_end(caller)
            else:
                del self._waiting[caller]
            if call is not None and not call.is_over:
                self._give_turn(call)

    def _give_turn(self, call: _Call) -> None:
        if call.result.done():  # whoever asked has gone
            self._calls -= 1
            return
        # asyncio's own wrap_future and wait take twice as long for the same.
        loop = asyncio.get_running_loop()
        self._having_turns += 1
        call.turn = self._executor.submit(call.function, call.argument)
        call.turn.add_done_callback(lambda turn: loop.call_soon_threadsafe(self._end, call, turn))

    def _look(self, call: _Call, seconds: float) -> None:
        """One that has not begun by now never does."""
        if call.turn is None:
            self._send_away(call)
        elif not call.turn.cancel():
            left = max(0, seconds - self._seconds)
            asyncio.get_running_loop().call_later(left, _give_up, call.result, seconds)

    def _send_away(self, call: _Call) -> None:
        """End a call that waits."""
        call.is_over = True
        self._calls -= 1
        if not call.result.done():
            call.result.set_exception(problems.busy())

    def _end(self, call: _Call, turn: "Future[Any]") -> None:
        self._calls -= 1
        self._having_turns -= 1
        self._give_turns()
        if call.result.done():
            return
        if turn.cancelled():
            call.result.set_exception(problems.busy())
        elif error := turn.exception():
            call.result.set_exception(error)
        else:
            call.result.set_result(turn.result())


def _give_up(result: "asyncio.Future[Any]", seconds: float) -> None:
    if not result.done():
        result.set_exception(Problem(503, "took-too-long", _HANGS.format(seconds)))
