"""Formats of export files: what each field is read from, and how a file is recognised.

A format is a table of columns and small readers; the rows of all go the same way.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from recommender.importing.containers import unpacked
from recommender.importing.converters import time_reader
from recommender.importing.mapping import Columns, Read
from recommender.importing.row import RefusedError, Row, Values

_read_time = time_reader(())
_DAY = re.compile(r"[\d./-]{8,10}( 00:00(:00)?)?")


class LeftOutError(Exception):
    """The row is not wanted; the message says why, in the same words for every such row."""


@dataclass(frozen=True, slots=True)
class Headless:
    """A file without a header, known by its first line.

    Attributes:
        columns: the names of its columns.
        delimiter: between its cells.
        cells: a pattern for each cell.
    """

    columns: tuple[str, ...]
    delimiter: str
    cells: tuple[str, ...]

    def fits(self, line: str) -> bool:
        """Whether a line can be one of such a file."""
        cells = line.strip().split(self.delimiter)
        return len(cells) == len(self.cells) and all(
            re.fullmatch(pattern, cell) for pattern, cell in zip(self.cells, cells, strict=True)
        )


def _as_they_are(rows: Iterator[Row], _: Path) -> Iterator[Row]:
    return rows


def _wanted(_: Values) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format of export files.

    Attributes:
        name: for --format.
        title: what such a file is called: `a Shopify product export`.
        kind: what its rows become.
        marks: sets of columns, any of which tells such a file.
        fields: how each field is read.
        headless: its forms without a header.
        left_out: why a row is not wanted, or None; of a format with variants, why its product
            is not.
        variant: whether a row is a variant of its product; None where each row is a product.
        rows: makes the rows of the file those of products or events; takes the file's path.
        types: of events: types by the words of the file, in lower case; "" leaves the row out.
        type: of events: that of all rows.
        note: what to know about it, for --format list.
    """

    name: str
    title: str
    kind: Literal["products", "events"]
    marks: Sequence[frozenset[str]] = ()
    fields: Mapping[str, Read]
    headless: Sequence[Headless] = ()
    left_out: Callable[[Values], str | None] = _wanted
    variant: Callable[[Values], bool] | None = None
    rows: Callable[[Iterator[Row], Path], Iterator[Row]] = _as_they_are
    types: Mapping[str, str] = field(default_factory=dict)
    type: str | None = None
    note: str = ""

    def mark(self, columns: Columns) -> frozenset[str] | None:
        """The columns by which a file is recognised, or None."""
        return next((mark for mark in self.marks if mark <= set(columns.names)), None)

    def says(self, mark: frozenset[str]) -> str:
        """A sentence for a file that was recognised."""
        return f"This looks like {self.title} ({', '.join(sorted(mark))})."


def recognise(formats: Sequence[Format], columns: Columns) -> Format | None:
    """The format of which the file has most columns."""
    marks = [(form, form.mark(columns)) for form in formats]
    known = [(len(mark), form) for form, mark in marks if mark is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def named(formats: Sequence[Format], name: str) -> list[Format]:
    """The formats of that name; a set may have several files.

    Raises:
        RefusedError: there is none.
    """
    forms = [form for form in formats if form.name == name]
    if not forms:
        names = ", ".join(dict.fromkeys(form.name for form in formats))
        raise RefusedError(
            f"--format {name}: there is no such format. Formats: auto, plain, {names}."
        )
    return forms


def listing(formats: Sequence[Format]) -> Iterator[str]:
    """A line for each format, and its fields."""
    width = max(len(form.name) for form in formats)
    for form in formats:
        yield f"{form.name:<{width}}  {form.title[:1].upper()}{form.title[1:]}"
        if form.note:
            yield f"{'':<{width}}  {form.note}"
        for name, read in form.fields.items():
            yield f"{'':<{width}}    {name}: {', '.join(read.columns)}"


def one_of(*names: str) -> Read:
    """The first of these columns that holds something."""

    def value(values: Values) -> Any:
        return next((values[name] for name in names if values.get(name) not in (None, "")), None)

    return Read(names, value)


def made(value: Callable[[Values], Any], *columns: str) -> Read:
    """A field that a function makes of the row."""
    return Read(columns, value)


def category(value: Any, separator: str = ">") -> str | None:
    """A category path as Kinship writes it, from `A > B` or from a list of its parts."""
    parts = value if isinstance(value, list) else str(value or "").split(separator)
    names = [str(part).replace("/", "-").strip() for part in parts]
    return "/".join(name for name in names if name) or None


def texts(*values: Any) -> str | None:
    """The texts and lists of texts as one, a line each."""
    lines = [
        str(line).strip()
        for value in values
        for line in (value if isinstance(value, list) else [value])
        if line is not None
    ]
    return "\n".join(line for line in lines if line) or None


def sold_for(price: Any, sale: Any, starts: Any = None, ends: Any = None) -> Any:
    """The price now: that of the sale, while it lasts; its times may be missing.

    Raises:
        BadValueError: there is a sale, and one of its times is none.
    """
    if not sale:
        return price
    now, first, last = datetime.now(UTC), _read_time(starts or None), _read_time(ends or None)
    if last is not None and _DAY.fullmatch(str(ends).strip()):
        last += timedelta(days=1)  # the sale lasts to the end of its last day
    is_on = (first is None or first <= now) and (last is None or now < last)
    return sale if is_on or not price else price


def beside(main: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file that belongs to another and lies beside it, plain or gzipped.

    Raises:
        RefusedError: it is not there.
    """
    for path in (main.with_name(name), main.with_name(f"{name}.gz")):
        if path.is_file():
            with (
                path.open("rb") as file,
                TextIOWrapper(unpacked(file), "utf-8", newline="") as text,
            ):
                yield from csv.DictReader(text)
            return
    raise RefusedError(f"{main.name} needs {name} in the same directory; it is not there.")
