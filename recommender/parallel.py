"""Other processes of this one, for work that is bound by the processor."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# What the children do: they find it in the memory they were forked with, so that nothing of a
# catalog has to be sent to them.
_inherited: dict[int, Callable[[Any], Any]] = {}


class Processes(Generic[Task, Result]):
    """Children forked from this process that call one function; what it holds costs no memory.

    The function must use neither the database nor the network: connections cannot be shared.
    """

    def __init__(self, function: Callable[[Task], Result], number: int) -> None:
        self._key = id(function)
        _inherited[self._key] = function
        context = multiprocessing.get_context("fork")
        self._executor = ProcessPoolExecutor(
            number, mp_context=context, initializer=_end_with, initargs=(os.getpid(),)
        )

    def submit(self, task: Task) -> Future[Result]:
        """Have a child call the function with this."""
        return self._executor.submit(_call, self._key, task)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._executor.shutdown(cancel_futures=True)
        del _inherited[self._key]


def _call(key: int, task: Any) -> Any:
    return _inherited[key](task)


def _end_with(parent: int) -> None:
    """Have this child end when its parent is killed: nobody would tell it to."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
