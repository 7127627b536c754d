"""`python -m benchmarks`; see `--help`."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.utils.module_loading import import_string
from rich.console import Console
from rich.text import Text

from benchmarks import options
from benchmarks.console import INTERRUPTED
from recommender.stack import StackError


def main(arguments: list[str]) -> int:
    """Run the benchmark; the exit code."""
    chosen = options.parse(arguments)
    # A terminated run stops its servers as one that Ctrl-C ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _data_dir(chosen.data_dir) as directory:
            _use(directory)
            # Only now: settings read the environment once.
            import_string("benchmarks.run.run")(chosen)
    except StackError as exc:
        Console(stderr=True, soft_wrap=True).print(Text(str(exc), style="red"))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


@contextmanager
def _data_dir(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="kinship-bench-") as directory:
        path = Path(directory)
        path.chmod(0o711)  # as root, the servers' own user passes through
        yield path


def _use(directory: Path) -> None:
    """Set Django up on an embedded stack of that directory, whatever the shell points at."""
    for name in ("DATABASE_URL", "BROKER_URL"):
        os.environ.pop(name, None)
    os.environ["KINSHIP_DATA_DIR"] = str(directory)
    os.environ.setdefault("KINSHIP_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")
    django.setup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
