"""The log files of the stack's processes."""

import os
import shutil
from pathlib import Path
from typing import IO

_LARGEST = 16 * 1024**2
_TAIL_BYTES = 16_384


def open_for_append(path: Path) -> IO[bytes]:
    """Open a log; one over 16 MB is first rotated."""
    rotate(path)
    return path.open("ab")


def rotate(path: Path, largest: int = _LARGEST) -> None:
    """Copy a log that has grown too large to `.1`, in place of the one before, and empty it.

    Its processes go on writing: they append, so that what they write next is at the start. What
    one writes between copying and emptying is lost.
    """
    if path.exists() and path.stat().st_size > largest:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log; empty when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
