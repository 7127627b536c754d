"""Rows of files that are one document of text: a JSON array or object, feeds.

One bad element of an array costs no other, which no JSON parser for streams gives (decision 37):
an array is parted into its elements before these are parsed.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson
from lxml import etree

from recommender.importing.row import (
    MAX_BYTES,
    TOO_DEEP,
    TOO_LONG,
    Line,
    RefusedError,
    Row,
    json_row,
    line_of,
)

_CHUNK = 1 << 16
_MAX_OBJECT = 64 << 20
_MAX_PARTS = 8_000_000  # commas and brackets: a list of nothing takes 30 times its length in memory
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
    parts = content.count(b",") + content.count(b"[") + content.count(b"{")
    if parts > _MAX_PARTS:
        raise RefusedError(
            f"The file is one JSON object of {parts:,} parts by its commas and brackets, of "
            f"{_MAX_PARTS:,} at most. Write its rows as JSON Lines: jq -c '.products[]' FILE"
        )
    document = _object(content.decode(errors="backslashreplace"))
    if document is None:
        raise RefusedError("The file is neither one valid JSON object nor one a line.")
    rows = _rows_of(document)
    for number, values in enumerate([document] if rows is None else rows, 1):
        try:
            raw = orjson.dumps(values)
        except orjson.JSONEncodeError:
            yield Row(number, "", {}, TOO_DEEP)
            continue
        yield json_row(line_of(number, raw), raw.decode())


_MAX_BETWEEN = 4 << 20  # bytes from the end of one item to that of the next; they are in memory


class _Watched:
    """The text of a feed, up to where it goes on without an item."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._since = self._items = 0

    def read(self, size: int) -> bytes:
        if self._since > _MAX_BETWEEN:
            raise RefusedError(
                f"The feed has more than {_MAX_BETWEEN >> 20} MiB after its {self._items:,} first "
                "items without the end of another; nothing was imported. Its products must be "
                "elements called item or entry."
            )
        content = self._stream.read(size)
        self._since += len(content)
        return content

    def item_read(self) -> None:
        self._since = 0
        self._items += 1


def read_feed(stream: BinaryIO) -> Iterator[Row]:
    """A row for every `item` of an RSS feed or `entry` of an Atom feed, by the elements' names.

    Namespaces are left out; what occurs several times is a list.

    Raises:
        RefusedError: it is not well-formed XML, or far too long without an item.
    """
    watched = _Watched(stream)
    elements = etree.iterparse(
        watched,
        tag=("{*}item", "{*}entry"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in elements:
            watched.item_read()
            raw = etree.tostring(element, encoding="unicode", with_tail=False)
            line = element.sourceline or 0
            is_too_long = len(raw) > MAX_BYTES
            yield (
                Row(line, raw[:MAX_BYTES], {}, TOO_LONG)
                if is_too_long
                else Row(line, raw, _members(element))
            )
            _forget(element)
    except etree.XMLSyntaxError as exc:
        raise RefusedError(f"The feed is not well-formed XML: {exc}. Get it again.") from exc


def _forget(element: Any) -> None:
    """Free what is read: it would stay in memory to the end of the file."""
    element.clear()
    while element is not None:
        while element.getprevious() is not None:
            del element.getparent()[0]
        element = element.getparent()


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
