"""A file to import: what kind it is, which columns it has, and its rows."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from recommender.importing.mapping import Columns
from recommender.importing.row import (
    NOT_UTF8,
    Line,
    RefusedError,
    Row,
    read_csv,
    read_json_lines,
    read_lines,
)

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_DELIMITERS = (",", ";", "\t")
_SAMPLE_LINES = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """A readable file of rows.

    Attributes:
        delimiter: between the cells of CSV; None for JSON Lines.
    """

    path: Path
    columns: Columns
    delimiter: str | None

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """The rows of the file, opened by the caller, who sees by `file.tell()` how far it is.

        Raises:
            RefusedError: the file is damaged.
        """
        text = read_lines(file)
        if self.delimiter is None:
            return read_json_lines(text)
        _first_record(text, self.delimiter)
        return read_csv(text, self.columns.names, self.delimiter)


def examine(path: Path) -> Source:
    """Find out what a file is, by its content before its name.

    Raises:
        RefusedError: it cannot be read, is empty, or is neither CSV nor JSON Lines.
    """
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise RefusedError(f"{path} {what}. Give the path of a CSV or JSON Lines file.")
        with path.open("rb") as file:
            first = _first_line(path, file)
            file.seek(0)
            if _is_json(path, first):
                return Source(path, _json_columns(path, file), None)
            return _csv_source(path, file)
    except OSError as exc:
        raise RefusedError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _first_line(path: Path, file: BinaryIO) -> str:
    first = next((line for line in read_lines(file) if line.text.strip()), None)
    if first is None:
        raise RefusedError(f"{path} is empty. The first line of a CSV file names its columns.")
    if "\x00" in first.text:
        raise RefusedError(
            f"{path} is not a text file in UTF-8. Save it as CSV (UTF-8) or JSON Lines; "
            "from UTF-16: iconv -f UTF-16 -t UTF-8 FILE"
        )
    if first.problem == NOT_UTF8:
        raise RefusedError(
            f"{path} is not in UTF-8. Convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE"
        )
    return first.text.strip()


def _is_json(path: Path, first: str) -> bool:
    named_json = path.name.lower().removesuffix(".gz").endswith(_JSON_SUFFIXES)
    if named_json and first.startswith("["):
        raise RefusedError(f"{path} is one JSON array. Make it one object a line: jq -c '.[]' FILE")
    return named_json or first.startswith("{")


def _json_columns(path: Path, file: BinaryIO) -> Columns:
    names: dict[str, None] = {}
    for row in islice(read_json_lines(read_lines(file)), _SAMPLE_LINES):
        names.update(dict.fromkeys(row.values))
    if not names:
        raise RefusedError(f"{path} has no JSON object in its first {_SAMPLE_LINES:,} lines.")
    return Columns(tuple(names), complete=False)


def _csv_source(path: Path, file: BinaryIO) -> Source:
    """CSV is told by its header: the right delimiter parts it into most columns."""
    headers: dict[str, list[str]] = {}
    for delimiter in _DELIMITERS:
        file.seek(0)
        with suppress(csv.Error):
            headers[delimiter] = _first_record(read_lines(file), delimiter)
    if not headers:
        raise RefusedError(
            f"The header of {path} cannot be read. Its quotes must be closed, and its lines must "
            "end in LF or CR LF."
        )
    delimiter = max(headers, key=lambda candidate: len(headers[candidate]))
    names = tuple(name.strip() for name in headers[delimiter])
    if not any(names):
        raise RefusedError(f"{path} has no header. Its first line must name its columns.")
    return Source(path, Columns(names, complete=True), delimiter)


def _first_record(text: Iterator[Line], delimiter: str) -> list[str]:
    """The header, which may hold quoted line ends; moves `text` past it."""
    records = csv.reader((line.text for line in text), delimiter=delimiter, strict=True)
    return next(record for record in records if record)
