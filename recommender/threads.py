"""Few threads that answer requests, with a short queue before them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
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
_HANGS = "There was no answer within {:g} s: the database, or what else it waits for, hangs."


class Threads:
    """Few threads, and a queue before them that is never long; for the calls of one event loop.

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
        self._most = number + most_waiting
        self._seconds = seconds
        self._calls = 0

    async def run(
        self, function: Callable[[Argument], Result], argument: Argument, *, seconds: float
    ) -> Result:
        """What the function returns, called in a thread.

        Args:
            seconds: how long that may take; the thread is not free before it returns.

        Raises:
            Problem: 503 where there is too much before it, or it takes too long.
        """
        if self._calls >= self._most:
            raise problems.busy()
        self._calls += 1
        # asyncio's own wrap_future and wait take twice as long for the same.
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        call = self._executor.submit(function, argument)
        call.add_done_callback(lambda call: loop.call_soon_threadsafe(self._end, result, call))
        turn = loop.call_later(min(seconds, self._seconds), self._look, call, result, seconds)
        try:
            return await result
        finally:
            turn.cancel()

    def _look(self, call: "Future[Any]", result: "asyncio.Future[Any]", seconds: float) -> None:
        """One that has not begun by now never does."""
        if not call.cancel():
            left = max(0, seconds - self._seconds)
            asyncio.get_running_loop().call_later(left, _give_up, result, seconds)

    def _end(self, result: "asyncio.Future[Result]", call: "Future[Result]") -> None:
        self._calls -= 1
        if result.done():
            return
        if call.cancelled():
            result.set_exception(problems.busy())
        elif error := call.exception():
            result.set_exception(error)
        else:
            result.set_result(call.result())


def _give_up(result: "asyncio.Future[Any]", seconds: float) -> None:
    if not result.done():
        result.set_exception(Problem(503, "took-too-long", _HANGS.format(seconds)))
