"""Rows of Parquet files and Excel workbooks, read in a process of their own.

Their packages are extras, and take whatever memory and time a file makes them take: a workbook of a
kilobyte may have a cell in its last column and row, and thousands of cells one text of a megabyte.
So a child process reads them, within limits, and gives the rows as lines of JSON. Whatever becomes
of it, the import ends in one sentence.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from recommender.importing.row import MAX_BYTES, RefusedError, Row, json_row, line_of

_MEMORY = 1 << 30  # bytes that the child may take
_SECONDS = 30  # that it may compute for a batch of rows
_BATCH = 1_000  # rows
_ROOT = Path(__file__).parents[2]


def read_parquet(file: BinaryIO) -> Iterator[Row]:
    """The rows of a Parquet file.

    Raises:
        RefusedError: the package is missing, or the file damaged or too large.
    """
    return _rows(file, "parquet", "A Parquet file", "pyarrow")


def read_workbook(file: BinaryIO) -> Iterator[Row]:
    """The rows of an Excel workbook's first sheet that has any; its first row names the columns.

    Raises:
        RefusedError: the package is missing, or the file damaged or too large.
    """
    return _rows(file, "excel", "An Excel workbook", "python_calamine")


def _rows(file: BinaryIO, kind: str, what: str, package: str) -> Iterator[Row]:
    if find_spec(package) is None:
        raise RefusedError(
            f"{what} needs a package that is not installed: make setup EXTRAS={kind}. "
            "Or save the file as CSV."
        )
    # It shares the place in the file with this process, which shows how far it is.
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    child = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", __name__, kind],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(_ROOT), "ARROW_DEFAULT_MEMORY_POOL": "system"},
    )
    assert child.stdout is not None  # noqa: S101 - for mypy
    number = 0
    try:
        for line in child.stdout:
            mark, _, content = line.rstrip(b"\n").partition(b" ")
            if mark == b"!":
                raise RefusedError(content.decode())
            number = int(mark)
            yield json_row(line_of(number, content), content.decode(errors="replace")[:MAX_BYTES])
        if child.wait():
            raise RefusedError(
                f"{what} must be readable with {_MEMORY >> 30} GB of memory, and {_BATCH:,} rows "
                f"of it within {_SECONDS} s. This one is not, after row {number:,}; nothing was "
                "imported. Save it as CSV (UTF-8)."
            )
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _parquet_rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    parquet = import_module("pyarrow.parquet")
    damaged = import_module("pyarrow").ArrowException
    number = 0
    try:
        opened = parquet.ParquetFile(file, pre_buffer=False)
        for batch in opened.iter_batches(_BATCH, use_threads=False):
            for values in batch.to_pylist():
                number += 1
                yield number, values
    except (damaged, OSError, ValueError) as exc:
        raise RefusedError(f"The Parquet file cannot be read: {exc}. Get it again.") from exc


def _workbook_rows(file: BinaryIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    calamine = import_module("python_calamine")
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(file)
        for index in range(len(workbook.sheet_names)):
            lines = iter(workbook.get_sheet_by_index(index).iter_rows())
            header = next((cells for cells in lines if any(cells)), None)
            if header is not None:
                names = [str(_plain(cell)).strip() for cell in header]
                yield from _sheet_rows(names, lines)
                return
    except (calamine.CalamineError, ValueError) as exc:
        raise RefusedError(f"The workbook cannot be read: {exc}. Save it as CSV (UTF-8).") from exc


def _sheet_rows(
    names: list[str], lines: Iterator[list[Any]]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, cells in enumerate(lines, 2):
        if any(cell != "" for cell in cells):
            yield number, dict(zip(names, cells, strict=False))


_AS_JSON: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    (Decimal, lambda value: _plain(float(value))),
    ((datetime, date), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    (bytes, lambda value: value.decode(errors="backslashreplace")),
    ((list, tuple), lambda value: [_plain(member) for member in value]),
    (dict, lambda value: {name: _plain(member) for name, member in value.items()}),
    # Whole numbers have no point, as ids have none.
    (float, lambda value: int(value) if value.is_integer() and abs(value) < 2**53 else value),
)


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    for kind, convert in _AS_JSON:
        if isinstance(value, kind):
            return convert(value)
    return value


def _write_rows(kind: str, file: BinaryIO, output: BinaryIO) -> None:
    """Give each row as its number and JSON, cut where it is too long; or why there are no more."""
    rows = {"parquet": _parquet_rows, "excel": _workbook_rows}[kind](file)
    try:
        while True:
            _limit_time()
            batch = list(islice(rows, _BATCH))
            for number, values in batch:
                plain = {name: _plain(value) for name, value in values.items()}
                content = orjson.dumps(plain, default=str)[: MAX_BYTES + 1]
                output.write(b"%d %s\n" % (number, content))
            if not batch:
                return
    except RefusedError as exc:
        output.write(b"! %s\n" % " ".join(str(exc).split()).encode(errors="replace"))


def _limit_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + _SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _write_rows(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
