"""A file to import: what kind it is, which columns it has, and its rows."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from recommender.importing import containers, documents, formats, sheets
from recommender.importing.formats import Format
from recommender.importing.mapping import Columns, exploded
from recommender.importing.row import (
    Dialect,
    Line,
    RefusedError,
    Row,
    first_record,
    read_csv,
    read_json_lines,
    split_lines,
)

_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_PACKED_SUFFIXES = (".gz", ".zst", ".zip")
_DELIMITERS = (",", ";", "\t", "|", "::")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')  # as Excel writes it
_UNESCAPED = {"\\t": "\t", "tab": "\t"}
_META_COMMENT = re.compile(r'"?# (Required|Optional)')  # above the header of its templates
# So many rows are looked at before the file is read.
SAMPLE_ROWS = 1000
# Of a document that names ever more of them, no more are looked at.
_MOST_COLUMNS = 10_000
_PARQUET = b"PAR1"

ReadRows = Callable[[BinaryIO], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is said about a file, and need not be found out.

    Attributes:
        format: `auto`, `plain`, or the name of one.
        header: the names of its columns, of a file that has no header.
    """

    format: str = "auto"
    encoding: str | None = None
    delimiter: str | None = None
    header: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A readable file of rows.

    Attributes:
        format: that it is in; None where --map and the columns' names say all.
        each: a column with a list, of which every member is a row; or None.
        notices: what was found out about it that a person should know.
    """

    path: Path
    columns: Columns
    read: ReadRows
    format: Format | None = None
    each: str | None = None
    notices: tuple[str, ...] = ()

    def rows(self, file: BinaryIO) -> Iterator[Row]:
        """The rows of the file, opened by the caller, who sees by `file.tell()` how far it is.

        Raises:
            RefusedError: the file is damaged.
        """
        rows = containers.undamaged(self.read(file))
        if self.format:
            rows = self.format.rows(rows, self.path)
        return exploded(rows, self.each) if self.each else rows


def examine(
    path: Path,
    options: Options = Options(),
    known: Sequence[Format] = (),
) -> Source:
    """Find out what a file is, by its content before its name.

    Args:
        options: what is known about it.
        known: the formats that are looked for.

    Raises:
        RefusedError: it cannot be read, is empty, or is none of the kinds.
    """
    if options.format not in {"auto", "plain"}:
        known = formats.named(known, options.format)
    elif options.format == "plain":
        known = ()
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise RefusedError(f"{path} {what}. Give the path of a file such as products.csv.")
        with path.open("rb") as file:
            return _in_its_format(_examined(path, file, options, known), options, known)
    except containers.DAMAGED as exc:
        raise RefusedError(f"{path} is damaged ({exc}). Get the file again.") from exc
    except OSError as exc:
        raise RefusedError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _in_its_format(source: Source, options: Options, known: Sequence[Format]) -> Source:
    form = source.format or formats.recognise(known, source.columns)
    if options.format != "auto" and known and form is None:
        form = known[0]
        if not any(
            name in source.columns.names for read in form.fields.values() for name in read.columns
        ):
            raise RefusedError(
                f"{source.path} is not {form.title}: it has none of its columns. "
                f"{source.columns.listing()}"
            )
    if form is None:
        return source
    mark = form.mark(source.columns)
    said = form.says(mark) if mark else f"This looks like {form.title}."
    notices = source.notices if options.format != "auto" else (*source.notices, said)
    return replace(source, format=form, notices=notices)


def _examined(path: Path, file: BinaryIO, options: Options, known: Sequence[Format]) -> Source:
    magic = file.read(4)
    file.seek(0)
    if magic == _PARQUET:
        columns = Columns((), complete=True)
        return _listed(path, file, sheets.read_parquet, columns)
    if magic.startswith(b"PK") and containers.is_workbook(file):
        columns = Columns((), complete=True, are_text=True)
        return _listed(path, file, sheets.read_workbook, columns)
    encoding = options.encoding or containers.encoding_of(containers.unpacked(file))
    notices = () if options.encoding else _encoding_notice(path, encoding)
    opened = partial(_text, encoding=encoding)
    first, second = _first_lines(path, opened(file))
    if first.startswith("<"):
        return _listed(path, file, lambda file: documents.read_feed(containers.unpacked(file)))
    if read := _json_reader(path, first, second):
        return replace(_listed(path, file, lambda file: read(opened(file))), notices=notices)
    return replace(_csv_source(path, file, opened, options, known), notices=notices)


def _encoding_notice(path: Path, encoding: str) -> tuple[str, ...]:
    if encoding.startswith("utf"):
        return ()
    return (f"{path.name} is not in UTF-8; it is read as {encoding}. If not: --encoding NAME",)


OpenText = Callable[[BinaryIO], BinaryIO]


def _text(file: BinaryIO, encoding: str) -> BinaryIO:
    """The file's text from its start, as UTF-8."""
    file.seek(0)
    return containers.in_utf8(containers.unpacked(file), encoding)


def _first_lines(path: Path, text: BinaryIO) -> tuple[str, str]:
    """The first two lines that are not blank; the second may be missing."""
    lines = [line.text.strip() for line in islice(filter(_is_text, split_lines(text)), 2)]
    if not lines:
        raise RefusedError(f"{path} is empty. The first line of a CSV file names its columns.")
    if "\x00" in lines[0]:
        raise RefusedError(
            f"{path} is not a text file. Files are read as CSV, JSON, XML, Parquet or .xlsx; "
            "of other encodings than UTF-8 and UTF-16 say --encoding NAME."
        )
    return lines[0], lines[1] if len(lines) > 1 else ""


def _is_text(line: Line) -> bool:
    return bool(line.text.strip())


def _json_reader(path: Path, first: str, second: str) -> ReadRows | None:
    """What reads a file of JSON; None where it is CSV."""
    name = path.name.lower()
    for suffix in _PACKED_SUFFIXES:
        name = name.removesuffix(suffix)
    is_named_json = name.endswith(_JSON_SUFFIXES)
    if first.startswith("[") and (is_named_json or re.match(r"\[\s*(\{|$)", first)):
        return documents.read_json_array
    if not (is_named_json or first.startswith("{")):
        return None
    if documents.is_one_object(first, second):
        return documents.read_json_object
    return lambda text: read_json_lines(split_lines(text))


_OF_JSON = Columns((), complete=False)


def _listed(path: Path, file: BinaryIO, read: ReadRows, columns: Columns = _OF_JSON) -> Source:
    """A source whose rows name their columns themselves; `columns` is without their names."""
    names: dict[str, None] = {}
    problem: str | None = None
    file.seek(0)
    for row in islice(read(file), SAMPLE_ROWS):
        problem = problem or (row.problem and f" Line {row.line:,}: {row.problem}.")
        if len(names) < _MOST_COLUMNS:
            names.update(dict.fromkeys(row.values))
    if not names:
        raise RefusedError(
            f"{path} has no row with columns in its first {SAMPLE_ROWS:,} rows.{problem or ''}"
        )
    return Source(path=path, columns=replace(columns, names=tuple(names)), read=read)


def _csv_source(
    path: Path, file: BinaryIO, text: OpenText, options: Options, known: Sequence[Format]
) -> Source:
    preamble, said = _preamble(split_lines(text(file)))
    delimiter = _UNESCAPED.get(options.delimiter or "", options.delimiter) or said

    def lines(file: BinaryIO) -> Iterator[Line]:
        return islice(split_lines(text(file)), preamble, None)

    if options.header:
        dialect = _dialect(path, partial(lines, file), delimiter)
        return _without_header(path, lines, options.header, dialect)
    first = next(filter(_is_text, lines(file))).text
    for form in known:
        for shape in form.headless:
            if shape.fits(first):
                source = _without_header(path, lines, shape.columns, Dialect(shape.delimiter))
                return replace(source, format=form)
    dialect = _dialect(path, partial(lines, file), delimiter)
    names = tuple(name.strip() for name in first_record(lines(file), dialect))
    if not any(names):
        raise RefusedError(
            f"{path} has no header. Its first line must name its columns, or say them: "
            "--header id,title,price"
        )

    def read(file: BinaryIO) -> Iterator[Row]:
        below = lines(file)
        first_record(below, dialect)
        return read_csv(below, names, dialect)

    return Source(path=path, columns=Columns(names, complete=True, are_text=True), read=read)


def _without_header(
    path: Path,
    lines: Callable[[BinaryIO], Iterator[Line]],
    names: tuple[str, ...],
    dialect: Dialect,
) -> Source:
    return Source(
        path=path,
        columns=Columns(names, complete=True, are_text=True),
        read=lambda file: read_csv(lines(file), names, dialect),
    )


def _preamble(lines: Iterator[Line]) -> tuple[int, str | None]:
    """How many lines stand before the header, and the delimiter that they say."""
    delimiter = None
    for count, line in enumerate(lines):
        if said := _SEPARATOR_LINE.fullmatch(line.text):
            delimiter = said[1]
        elif not _META_COMMENT.match(line.text):
            return count, delimiter
    return 0, delimiter


def _dialect(path: Path, lines: Callable[[], Iterator[Line]], delimiter: str | None) -> Dialect:
    """CSV is told by its header: the right delimiter parts it into most columns."""
    headers: dict[str, int] = {}
    for candidate in (delimiter,) if delimiter else _DELIMITERS:
        with suppress(csv.Error, StopIteration):
            headers[candidate] = len(first_record(lines(), Dialect(candidate)))
    best = max(headers, key=lambda candidate: headers[candidate], default=None)
    # A delimiter of several marks knows no quotes, and reads anything.
    if best is None or (len(best) > 1 and headers[best] == 1):
        raise RefusedError(
            f"The header of {path} cannot be read. Its quotes must be closed, and its lines must "
            "end in LF or CR LF."
        )
    return Dialect(best)
