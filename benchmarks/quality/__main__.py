"""`python -m benchmarks.quality`; see `--help`."""

import signal
import sys
from collections.abc import Sequence

from rich.console import Console

from benchmarks.console import INTERRUPTED, telling
from benchmarks.quality import options
from benchmarks.quality.dataset import PrepareError
from benchmarks.quality.run import Run


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit code is 1 where something could not be, while the rest went on."""
    chosen = options.parse(arguments)
    # A terminated run takes its stack down as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    with telling(console, "sets") as say:
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
