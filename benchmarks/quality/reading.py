"""Reading the files of public sets: lines, tables, and ids as rows."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.dataset import PrepareError


def either(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder, plain or with `.gz`; None where it has neither."""
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def needed(folder: Path, name: str) -> Path:
    """The same.

    Raises:
        PrepareError: there is none.
    """
    if (path := either(folder, name)) is None:
        raise PrepareError(f"{folder} has no {name}, nor {name}.gz, which its set needs.")
    return path


def lines(path: Path, encoding: str = "utf-8-sig") -> Iterator[str]:
    """The lines of a text file, gzipped or not, without their ends.

    Raises:
        PrepareError: it cannot be read, or is no text.
    """
    try:
        with _opened(path, encoding) as text:
            yield from (line.rstrip("\r\n") for line in text)
    except (OSError, EOFError, UnicodeDecodeError) as exc:
        raise PrepareError(f"{path} cannot be read: {exc}.") from exc


def _opened(path: Path, encoding: str) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header, of which these columns are needed.

    Raises:
        PrepareError: one of them is missing.
    """
    rows = csv.DictReader(lines(path))
    if missing := [name for name in columns if name not in (rows.fieldnames or ())]:
        raise PrepareError(f"{path} has no column {missing[0]!r}; it needs {', '.join(columns)}.")
    yield from rows


def seconds(text: str, path: Path) -> int:
    """An ISO 8601 time as seconds since 1970; UTC where it does not say.

    Raises:
        PrepareError: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise PrepareError(f"{path}: {text!r} is no ISO 8601 time.") from exc
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


class Ids:
    """Ids and their rows, in the order in which they were first named."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._rows: dict[str, int] = {}
        for one in ids:
            self.row(one)

    def row(self, one: str) -> int:
        """The row of an id, which is new where it was not there."""
        return self._rows.setdefault(one, len(self._rows))

    def known(self, one: str, path: Path) -> int:
        """The row of an id.

        Raises:
            PrepareError: a file names it that should not.
        """
        if (row := self._rows.get(one)) is None:
            raise PrepareError(f"{path} names {one!r}, which is not among the set's products.")
        return row

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def all(self) -> tuple[str, ...]:
        """The ids by row."""
        return tuple(self._rows)


def columns(rows: Sequence[tuple[float, ...]], path: Path) -> tuple[NDArray[np.int64], ...]:
    """Rows of whole numbers, all of one width, as an array for each column.

    Raises:
        PrepareError: there are none.
    """
    if not rows:
        raise PrepareError(f"{path} has no row that counts.")
    return tuple(np.array(rows, np.int64).T)


def number(text: object, path: Path) -> float:
    """A number.

    Raises:
        PrepareError: it is none.
    """
    try:
        return float(str(text))
    except ValueError as exc:
        raise PrepareError(f"{path}: {text!r} is no number.") from exc
