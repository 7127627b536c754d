"""Rows of a file, before they are products or events: its lines, CSV and JSON Lines.

One bad row costs no other, and memory is bounded whatever the file holds.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import orjson


class RefusedError(Exception):
    """The import cannot start or go on; the message says why and what to do."""


class BadRowError(Exception):
    """The row is rejected; the message is the reason, in the same words for every such row.

    Attributes:
        value: what was found where something else was expected; empty where that is not one value.
    """

    def __init__(self, reason: str, value: object = "") -> None:
        super().__init__(reason)
        self.value = str(value)


Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file.

    Attributes:
        line: the number of its first line; the file's first line is 1.
        raw: its text, as far as it can be shown.
        values: by column; text from CSV, any JSON value from JSON Lines.
        problem: why it cannot be read, or None.
    """

    line: int
    raw: str
    values: Values
    problem: str | None = None


MAX_BYTES = 1 << 20
NOT_UTF8 = "not UTF-8"
TOO_LONG = "longer than 1 MiB"

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end; `text` is cut at MAX_BYTES, and shows foreign bytes as escapes."""

    number: int
    text: str
    problem: str | None = None


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a file that is open at its start.

    Raises:
        RefusedError: it is damaged.
    """
    number = 0
    try:
        for line in split_lines(_decompressed(file)):
            number = line.number
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise RefusedError(
            f"The file is damaged after line {number:,} ({exc}); nothing was imported. "
            "Get the file again."
        ) from exc


def split_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of plain text; of a pipe, too."""
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        yield _decoded(number, line, stream)


def _decompressed(file: BinaryIO) -> BinaryIO:
    magic = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    if magic != _GZIP_MAGIC:
        return file
    return cast(BinaryIO, io.BufferedReader(gzip.GzipFile(fileobj=file), 1 << 16))


def _decoded(number: int, line: bytes, stream: BinaryIO) -> Line:
    problem = None
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    if len(line) > MAX_BYTES:
        problem = TOO_LONG
        _skip_rest(line, stream)
        line = line[:MAX_BYTES]
    try:
        return Line(number, line.decode(), problem)
    except UnicodeDecodeError:
        return Line(number, line.decode(errors="backslashreplace"), problem or NOT_UTF8)


def _skip_rest(line: bytes, stream: BinaryIO) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_BYTES)


STRAY_QUOTE = "malformed row: a quote is not closed or stands astray"
TOO_MANY, TOO_FEW = "malformed row: too many columns", "malformed row: too few columns"

# A line is no longer than that, so only an unclosed quote makes a longer field.
csv.field_size_limit(MAX_BYTES)


def read_csv(lines: Iterator[Line], columns: Sequence[str], delimiter: str) -> Iterator[Row]:
    """The rows below the header, which has been read; blank lines are none."""
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problem = STRAY_QUOTE
        else:
            if len(cells) == len(columns):
                taken = feed.take_all()
                fault = next((line.problem for line in taken if line.problem), None)
                values = dict(zip(columns, cells, strict=True))
                yield Row(taken[0].number, _raw(taken), values, fault)
                continue
            if not cells:
                feed.take_all()
                continue
            problem = TOO_MANY if len(cells) > len(columns) else TOO_FEW
        # A stray quote swallows the lines after it: give up the first, read the others again.
        bad = feed.take_first()
        yield Row(bad.number, _raw([bad]), {}, bad.problem or problem)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)


class _Feed:
    """Lines for a csv.reader, kept until it is known what they make."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._given: list[Line] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._given.append(line)
        return line.text

    def take_all(self) -> list[Line]:
        """The lines since the last row; they are done with."""
        given, self._given = self._given, []
        return given

    def take_first(self) -> Line:
        """The first line since the last row; those after it come again."""
        first, *others = self.take_all()
        self._again.extendleft(reversed(others))
        return first


def _raw(lines: Sequence[Line]) -> str:
    return "".join(line.text for line in lines).rstrip("\r\n")


NOT_JSON, NOT_OBJECT = "malformed row: not valid JSON", "malformed row: not a JSON object"


def read_json_lines(lines: Iterator[Line]) -> Iterator[Row]:
    """A row for every line that is not blank."""
    for line in lines:
        raw = line.text.strip()
        if raw:
            yield _row(line, raw)


def _row(line: Line, raw: str) -> Row:
    if line.problem:
        return Row(line.number, raw, {}, line.problem)
    try:
        values: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Row(line.number, raw, {}, NOT_JSON)
    if not isinstance(values, dict):
        return Row(line.number, raw, {}, NOT_OBJECT)
    return Row(line.number, raw, values)
