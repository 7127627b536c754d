"""Showing how far an import is, on stderr."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LINE_EVERY = 10.0  # seconds, where there is no terminal to draw on


class Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self, size: int) -> None:
        """`size`: of the file, in bytes."""
        self._size = size
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("reading", total=size)
        self._next_line = time.monotonic() + LINE_EVERY

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def reading(self, position: int, rows: int) -> None:
        """`rows` rows were read, up to a position in the file."""
        self._bar.update(self._task, completed=position, description=f"{rows:,} rows read")
        share = position / self._size if self._size else 1.0
        self._line(f"{rows:,} rows read ({share:.0%})")

    def say(self, activity: str) -> None:
        """The file is read; what is done now."""
        self._bar.update(self._task, completed=self._size, description=activity)
        self._line(activity)

    def _line(self, text: str) -> None:
        if self._console.is_terminal or time.monotonic() < self._next_line:
            return
        self._console.print(text, highlight=False)
        self._next_line = time.monotonic() + LINE_EVERY
