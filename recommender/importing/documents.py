"""Rows of files that are one document: a JSON array or object, feeds, Parquet, Excel workbooks.

One bad element of an array costs no other, which no JSON parser for streams gives (decision 37):
an array is parted into its elements before these are parsed. Parquet and Excel are read by packages
that are extras.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, BinaryIO

import orjson
from lxml import etree

from recommender.importing.row import MAX_BYTES, Line, RefusedError, Row, json_row, line_of

_CHUNK = 1 << 16
_MAX_OBJECT = 64 << 20
_PIECES = re.compile(rb'\\.|["\[\]{},]|[^"\\\[\]{},]+', re.DOTALL)
# Members of an object that may hold its rows, in the order in which they are looked for.
_MAX_MEMBERS = 4
_ROWS = ("products", "items", "events", "data", "results", "rows")


def read_json_array(stream: BinaryIO) -> Iterator[Row]:
    """A row for every element of the array.

    Raises:
        RefusedError: the array does not end.
    """
    for line in _elements(_pieces(stream)):
        yield json_row(line, line.text)


def _elements(pieces: Iterator[bytes]) -> Iterator[Line]:
    """The text of each element, with the number of the line on which it starts."""
    at = starts = 1
    element = bytearray()
    for piece, depth in _with_depths(pieces):
        at += piece.count(b"\n")
        if depth == 0 or (depth == 1 and piece == b","):
            if element:
                yield line_of(starts, bytes(element).strip())
            if depth == 0:
                return
            element.clear()
        elif element or piece.strip():
            if not element:
                starts = at
            element += piece[: MAX_BYTES + 1 - len(element)]
    raise RefusedError(
        f"The JSON array does not end; its last line is {at:,}. Nothing was imported. "
        "Get the file again."
    )


def _with_depths(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """The pieces within the array, with how many brackets are open; of text one more."""
    depth, in_text = 0, False
    for piece in pieces:
        if in_text:
            in_text = piece != b'"'
            yield piece, depth + 1
        elif depth == 0:
            depth = int(piece == b"[")
        else:
            in_text = piece == b'"'
            depth += (piece in {b"[", b"{"}) - (piece in {b"]", b"}"})
            yield piece, depth


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in pieces: a bracket, brace, comma or quote, an escape, or what is between."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        chunk = rest + chunk
        end = 0
        for piece in _PIECES.finditer(chunk):
            end = piece.end()
            yield piece[0]
        # An escape may be cut by the end of the chunk.
        rest = chunk[end:]


def is_one_object(first: str, second: str) -> bool:
    """Whether a file with these first lines is one JSON object, and not one a line."""
    if not second:
        return _rows_of(_object(first)) is not None
    return _object(first) is None and (first.endswith(("{", "[")) or second.startswith('"'))


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _rows_of(document: dict[str, Any] | None) -> list[Any] | None:
    """The list of rows that an object is there for; one of many members is a row itself."""
    if document is None or len(document) > _MAX_MEMBERS:
        return None
    return next((document[name] for name in _ROWS if isinstance(document.get(name), list)), None)


def read_json_object(stream: BinaryIO) -> Iterator[Row]:
    """The rows that one object over several lines holds as a list, or else the object itself.

    Raises:
        RefusedError: it is too large, or not JSON.
    """
    content = stream.read(_MAX_OBJECT + 1)
    if len(content) > _MAX_OBJECT:
        raise RefusedError(
            f"The file is one JSON object of more than {_MAX_OBJECT >> 20} MiB. Write its rows "
            "as JSON Lines: jq -c '.products[]' FILE"
        )
    document = _object(content.decode(errors="backslashreplace"))
    if document is None:
        raise RefusedError("The file is neither one valid JSON object nor one a line.")
    rows = _rows_of(document)
    for number, values in enumerate([document] if rows is None else rows, 1):
        raw = orjson.dumps(values)
        yield json_row(line_of(number, raw), raw.decode())


def read_feed(stream: BinaryIO) -> Iterator[Row]:
    """A row for every `item` of an RSS feed or `entry` of an Atom feed, by the elements' names.

    Namespaces are left out; what occurs several times is a list.

    Raises:
        RefusedError: it is not well-formed XML.
    """
    elements = etree.iterparse(
        stream,
        tag=("{*}item", "{*}entry"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in elements:
            raw = etree.tostring(element, encoding="unicode", with_tail=False)
            yield Row(element.sourceline or 0, raw[:MAX_BYTES], _members(element))
            # What is read would stay in memory to the end of the file.
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as exc:
        raise RefusedError(f"The feed is not well-formed XML: {exc}. Get it again.") from exc


def _members(element: Any) -> dict[str, Any]:
    members: dict[str, Any] = {}
    # Entities that are not resolved are children, too.
    for child in element.iterchildren("*"):
        name = etree.QName(child).localname
        # Atom has its link in an attribute; Google's shipping and tax have members.
        value = child.get("href") if name == "link" and child.get("href") else child.text
        if next(child.iterchildren("*"), None) is not None:
            value = _members(child)
        if name not in members:
            members[name] = value
        elif isinstance(members[name], list):
            members[name].append(value)
        else:
            members[name] = [members[name], value]
    return members


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
