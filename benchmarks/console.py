"""What a long run says on standard error while it goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Say = Callable[[str], None]

# The exit code of what Ctrl-C ended.
INTERRUPTED = 130


@contextmanager
def telling(console: Console, what: str) -> Iterator[Say]:
    """What shows a text: as one line that changes on a terminal, else as a line of its own each."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, refresh_per_second=2, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)
            if not console.is_terminal:
                console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield say
