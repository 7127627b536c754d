"""A data directory of a benchmark's own, and Django set up on it, whatever the shell points at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import django


@contextmanager
def data_directory(kept: Path | None) -> Iterator[Path]:
    """The directory that was named, or one that goes with the block."""
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="kinship-bench-") as directory:
        path = Path(directory)
        path.chmod(0o711)  # as root, the servers' own user passes through
        yield path


def use(directory: Path) -> None:
    """Set Django up on an embedded stack of that directory."""
    for name in ("DATABASE_URL", "BROKER_URL"):
        os.environ.pop(name, None)
    os.environ["KINSHIP_DATA_DIR"] = str(directory)
    os.environ.setdefault("KINSHIP_LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")
    django.setup()
