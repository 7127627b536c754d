"""Rows of a file, before they are products or events: its lines, CSV and JSON Lines.

One bad row costs no other, and memory is bounded whatever the file holds.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

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


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end; `text` is cut at MAX_BYTES, and shows foreign bytes as escapes."""

    number: int
    text: str
    problem: str | None = None


def split_lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of plain text; of a pipe, too."""
    number = 0
    while line := stream.readline(MAX_BYTES + 1):
        number += 1
        if len(line) > MAX_BYTES:
            _skip_rest(line, stream)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        yield line_of(number, line)


def line_of(number: int, content: bytes) -> Line:
    """The line with its text, or with what is wrong with it."""
    problem = TOO_LONG if len(content) > MAX_BYTES else None
    content = content[:MAX_BYTES]
    try:
        return Line(number, content.decode(), problem)
    except UnicodeDecodeError:
        return Line(number, content.decode(errors="backslashreplace"), problem or NOT_UTF8)


def _skip_rest(line: bytes, stream: BinaryIO) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_BYTES)


STRAY_QUOTE = "malformed row: a quote is not closed or stands astray"
TOO_MANY, TOO_FEW = "malformed row: too many columns", "malformed row: too few columns"

# A line is no longer than that, so only an unclosed quote makes a longer field.
csv.field_size_limit(MAX_BYTES)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the lines of CSV are parted into cells.

    Attributes:
        delimiter: of one character, where cells may be quoted, or of several.
    """

    delimiter: str

    def cells(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The cells of each record."""
        if len(self.delimiter) == 1:
            return csv.reader(lines, delimiter=self.delimiter, strict=True)
        return (line.rstrip("\r\n").split(self.delimiter) for line in lines)


def first_record(lines: Iterator[Line], dialect: Dialect) -> list[str]:
    """The header, which may hold quoted line ends; moves `lines` past it.

    Raises:
        csv.Error: it has none, or one of more than 1 MiB.
    """
    records = dialect.cells(_Feed(lines))
    return next(record for record in records if record)


def read_csv(lines: Iterator[Line], columns: Sequence[str], dialect: Dialect) -> Iterator[Row]:
    """The rows below the header, which has been read; blank lines are none."""
    feed = _Feed(lines)
    reader = dialect.cells(feed)
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
            if not cells or cells == [""]:
                feed.take_all()
                continue
            problem = TOO_MANY if len(cells) > len(columns) else TOO_FEW
        # A stray quote swallows the lines after it: give up the first, read the others again.
        bad = feed.take_bad()
        yield Row(bad[0].number, _raw(bad), {}, bad[0].problem or problem)
        reader = dialect.cells(feed)


# So many lines are read again at least, and so many times those read once at most: a file may be
# made such that each of its lines swallows all after it.
_AGAIN_AT_LEAST, _AGAIN_TIMES = 200_000, 8


class _Feed:
    """Lines for a csv.reader, kept until it is known what they make: 1 MiB at most."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._given: list[Line] = []
        self._size = 0
        self._read = self._read_again = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self._size > MAX_BYTES:
            raise csv.Error(TOO_LONG)
        if self._again:
            line = self._again.popleft()
        else:
            line = next(self._lines)
            self._read += 1
        self._given.append(line)
        self._size += len(line.text)
        return line.text

    def take_all(self) -> list[Line]:
        """The lines since the last row; they are done with."""
        given, self._given, self._size = self._given, [], 0
        return given

    def take_bad(self) -> list[Line]:
        """The first line since the last row; those after it come again, if not far too often."""
        first, *others = self.take_all()
        if self._read_again > _AGAIN_AT_LEAST + _AGAIN_TIMES * self._read:
            return [first, *others]
        self._read_again += len(others)
        self._again.extendleft(reversed(others))
        return [first]


def _raw(lines: Sequence[Line]) -> str:
    return "".join(line.text for line in lines).rstrip("\r\n")


NOT_JSON, NOT_OBJECT = "malformed row: not valid JSON", "malformed row: not a JSON object"
TOO_DEEP = "malformed row: nests deeper than 254 levels"
# orjson reads 1,024 levels, but writes so many.
_MOST_LEVELS = 254


def read_json_lines(lines: Iterator[Line]) -> Iterator[Row]:
    """A row for every line that is not blank."""
    for line in lines:
        raw = line.text.strip()
        if raw:
            yield json_row(line, raw)


def json_row(line: Line, raw: str) -> Row:
    """The row of a line or an element that is to be a JSON object."""
    if line.problem:
        return Row(line.number, raw, {}, line.problem)
    try:
        values: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Row(line.number, raw, {}, NOT_JSON)
    if not isinstance(values, dict):
        return Row(line.number, raw, {}, NOT_OBJECT)
    if raw.count("[") + raw.count("{") > _MOST_LEVELS and not _can_be_written(values):
        return Row(line.number, raw, {}, TOO_DEEP)
    return Row(line.number, raw, values)


def _can_be_written(values: Any) -> bool:
    try:
        orjson.dumps(values)
    except orjson.JSONEncodeError:
        return False
    return True
