"""Rows of Parquet files and Excel workbooks, by packages that are extras."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, BinaryIO

import orjson

from recommender.importing.row import RefusedError, Row

_BATCH = 1_000  # rows


def read_parquet(file: BinaryIO) -> Iterator[Row]:
    """The rows of a Parquet file.

    Raises:
        RefusedError: the package is missing, or the file damaged.
    """
    parquet = _package("pyarrow.parquet", "parquet", "A Parquet file")
    damaged = import_module("pyarrow").ArrowException
    try:
        number = 0
        for batch in parquet.ParquetFile(file).iter_batches(_BATCH):
            for values in batch.to_pylist():
                number += 1
                yield _row(number, values)
    except (damaged, OSError, ValueError) as exc:
        raise RefusedError(f"The Parquet file cannot be read: {exc}. Get it again.") from exc


def read_workbook(file: BinaryIO) -> Iterator[Row]:
    """The rows of an Excel workbook's first sheet that has any; its first row names the columns.

    Raises:
        RefusedError: the package is missing, or the file damaged.
    """
    calamine = _package("python_calamine", "excel", "An Excel workbook")
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(file)
        for index in range(len(workbook.sheet_names)):
            lines = iter(workbook.get_sheet_by_index(index).iter_rows())
            header = next((cells for cells in lines if any(cells)), None)
            if header is not None:
                names = [str(_plain(cell)).strip() for cell in header]
                yield from _sheet_rows(names, lines)
                return
    except calamine.CalamineError as exc:
        raise RefusedError(f"The workbook cannot be read: {exc}. Save it as CSV (UTF-8).") from exc


def _sheet_rows(names: list[str], lines: Iterator[list[Any]]) -> Iterator[Row]:
    for number, cells in enumerate(lines, 2):
        if any(cell != "" for cell in cells):
            yield _row(number, dict(zip(names, cells, strict=False)))


def _row(number: int, values: Mapping[str, Any]) -> Row:
    plain = {name: _plain(value) for name, value in values.items()}
    return Row(number, orjson.dumps(plain, default=str).decode(), plain)


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


def _package(name: str, extra: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as exc:
        raise RefusedError(
            f"{what} needs a package that is not installed: make setup EXTRAS={extra}. "
            "Or save the file as CSV."
        ) from exc
