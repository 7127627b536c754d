"""`python -m benchmarks.quality`; see `--help`."""

import signal
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.quality import options
from benchmarks.quality.dataset import PrepareError
from benchmarks.quality.run import Run

INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit code is 1 where something could not be, while the rest went on."""
    chosen = options.parse(arguments)
    # A terminated run takes its stack down as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, refresh_per_second=2, transient=True) as progress:
        task = progress.add_task("sets", total=None)

        def say(text: str) -> None:
            progress.update(task, description=text)
            if not console.is_terminal:
                console.print(text, markup=False, highlight=False, soft_wrap=True)

        run = Run(chosen, Console(), say)
        try:
            run.all()
        except PrepareError as exc:
            run.problems.append(str(exc))
            console.print(str(exc), style="red", markup=False, soft_wrap=True)
        except KeyboardInterrupt:
            return INTERRUPTED
    return int(bool(run.problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
