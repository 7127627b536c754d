"""`python -m benchmarks.bulk`: rows a second, and memory, of what is sent by line."""

import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from django.utils.module_loading import import_string
from rich.console import Console

from benchmarks.console import INTERRUPTED
from benchmarks.environment import data_directory, use
from benchmarks.options import whole

_EXAMPLES = """\
examples:
  python -m benchmarks.bulk
  python -m benchmarks.bulk --rows 1000000
"""


def main(arguments: Sequence[str]) -> int:
    """Measure; the exit code."""
    parser = ArgumentParser(
        prog="python -m benchmarks.bulk",
        description="Send products, then the same again, then events, each in one request by line "
        "to a web and a PostgreSQL of its own.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=whole(1), default=100_000, help="of each (%(default)s)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with data_directory(None) as directory:
            use(directory)
            # Only now: settings read the environment once.
            text = import_string("benchmarks.bulk.measure.measure")(options.rows)
    except KeyboardInterrupt:
        return INTERRUPTED
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
