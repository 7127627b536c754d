"""`python -m benchmarks`; see `--help`."""

import signal
import sys

from django.utils.module_loading import import_string
from rich.console import Console
from rich.text import Text

from benchmarks import options
from benchmarks.console import INTERRUPTED
from benchmarks.environment import data_directory, use
from recommender.stack import StackError


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit code."""
    chosen = options.parse(arguments)
    # A terminated run stops its servers as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with data_directory(chosen.data_dir) as directory:
            use(directory)
            # Only now: settings read the environment once.
            import_string("benchmarks.run.run")(chosen)
    except StackError as exc:
        Console(stderr=True, soft_wrap=True).print(Text(str(exc), style="red"))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
