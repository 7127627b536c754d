"""The lines of a file, plain or gzipped, in bounded memory whatever the file holds."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from recommender.importing.errors import RefusedError

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


def read(file: BinaryIO) -> Iterator[Line]:
    """The lines of a file that is open at its start.

    Raises:
        RefusedError: it is damaged.
    """
    number = 0
    try:
        for line in split(_decompressed(file)):
            number = line.number
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise RefusedError(
            f"The file is damaged after line {number:,} ({exc}); nothing was imported. "
            "Get the file again."
        ) from exc


def split(stream: BinaryIO) -> Iterator[Line]:
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
