"""What a file comes packed in: gzip, Zstandard, a ZIP of one file, and its encoding.

Whatever it comes in, what is read here is a stream of bytes in UTF-8.
"""

import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import zstandard
from charset_normalizer import from_bytes

from recommender.importing.row import RefusedError, Row

_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
_CHUNK = 1 << 16
_SAMPLE = 1 << 20
_ENOUGH_TO_GUESS = 20  # bytes; fewer are broken rows as likely as another encoding
# A file that starts so has no other encoding.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ODD_IN_WESTERN = re.compile(
    # Quotes and accents are what these files have.
    "[^\\x00-\\x7fÀ-ÖØ-öø-ýŒœŠšŽžŸ€£¥¢©®™°·•½¼¾²³¹ªº«»¡¿‘’‚“”„–—…§µ´\\xa0×]"  # noqa: RUF001
    "|[ÂÃâ][^A-Za-z\\s]|[a-z][À-Ö][^A-Za-zÀ-ö]"
)
# What reading a damaged file raises.
DAMAGED = (
    *(EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, zipfile.BadZipFile),
    lzma.LZMAError,
)
# Rows pack to a tenth or a fiftieth. What was made to unpack to terabytes is not read to its end.
_MOST_TIMES, _SMALL = 250, 10_000_000  # the size of the file; bytes


def unpacked(file: BinaryIO) -> BinaryIO:
    """What is packed in a file that is open at its start, which stays there until this is read.

    Reading it raises RefusedError where it is far larger than rows can be that pack so small.

    Raises:
        RefusedError: it is a ZIP of none or of several files.
    """
    magic = file.read(4)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if magic.startswith(_GZIP):
        return _bounded(cast(BinaryIO, gzip.GzipFile(fileobj=file)), size)
    if magic == _ZSTD:
        reader = zstandard.ZstdDecompressor().stream_reader(
            file, read_across_frames=True, closefd=False
        )
        return _bounded(cast(BinaryIO, reader), size)
    if magic == _ZIP:
        return _bounded(_only_member(file), size)
    return file


def _bounded(stream: BinaryIO, packed: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Bounded(stream, packed), _CHUNK))


class _Bounded(io.RawIOBase):
    """What is packed in so many bytes, up to where it can be no file of rows."""

    def __init__(self, stream: BinaryIO, packed: int) -> None:
        self._stream, self._packed, self._left = stream, packed, max(_SMALL, _MOST_TIMES * packed)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Fill the buffer; how many bytes were there.

        Raises:
            RefusedError: it is far too large.
        """
        content = self._stream.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise RefusedError(
                f"The file of {self._packed / 1e6:,.1f} MB unpacks to more than "
                f"{max(_SMALL, _MOST_TIMES * self._packed) / 1e6:,.0f} MB, as no file of rows "
                "does; nothing was imported. If it is right, unpack it and import what was in it."
            )
        buffer[: len(content)] = content
        return len(content)


# A password, a compression that zipfile does not know, and a name that is no text are among them.
_NO_ARCHIVE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError)


def is_workbook(file: BinaryIO) -> bool:
    """Whether a file that is open at its start is an Excel workbook, which is a ZIP too."""
    try:
        return "xl/workbook.xml" in zipfile.ZipFile(file).namelist()
    except _NO_ARCHIVE:
        return False
    finally:
        file.seek(0)


def _only_member(file: BinaryIO) -> BinaryIO:
    try:
        archive = zipfile.ZipFile(file)
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            listed = ", ".join(names[:5]) or "none"
            raise RefusedError(
                f"The ZIP file holds {len(names)} files ({listed}); it must hold one. "
                "Unpack it, and import the one you mean."
            )
        return cast(BinaryIO, archive.open(names[0]))
    except _NO_ARCHIVE as exc:
        raise RefusedError(f"The ZIP file cannot be read: {exc}.") from exc


def encoding_of(stream: BinaryIO) -> str:
    """The encoding of text, by its first bytes: a byte-order mark, UTF-8, or the likeliest."""
    sample = stream.read(_SAMPLE)
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    for encoding, zeros, letters in (("utf-16-be", 0, 1), ("utf-16-le", 1, 0)):
        if not any(sample[zeros:64:2]) and all(sample[letters:64:2]) and len(sample) > 1:
            return encoding
    if _is_utf8(sample):
        return "utf-8"
    if _is_western(sample):
        return "windows-1252"
    foreign = sum(byte > 0x7F for byte in sample)
    best = from_bytes(sample).best() if foreign >= _ENOUGH_TO_GUESS else None
    return best.encoding if best else "utf-8"


def _is_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8, but for a few broken rows."""
    foreign = [line for line in sample.split(b"\n") if not line.isascii()]
    broken = sum("\N{REPLACEMENT CHARACTER}" in line.decode(errors="replace") for line in foreign)
    return broken * 2 <= len(foreign)


def _is_western(sample: bytes) -> bool:
    """Whether its foreign bytes read as Windows-1252: the letters and marks of western shops.

    A text in it has few of them, too few for statistics; broken UTF-8 gives others.
    """
    return not _ODD_IN_WESTERN.search(sample.decode("windows-1252", errors="replace"))


class Recoded(io.RawIOBase):
    """A stream of text in some encoding, as UTF-8; bytes that are none stay as they are."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        """`encoding`: as Python's codecs name it."""
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
        self._encoding = encoding
        self._stream = stream
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Fill the buffer; how many bytes were there.

        Raises:
            RefusedError: it is not in this encoding.
        """
        while not self._rest:
            chunk = self._stream.read(_CHUNK)
            try:
                text = self._decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as exc:
                raise RefusedError(
                    f"The file is not in {self._encoding} ({exc.reason}). Say in which encoding "
                    "it is: --encoding windows-1252"
                ) from exc
            self._rest = text.encode("utf-8", "surrogateescape")
            if not chunk:
                break
        given, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def in_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The stream as UTF-8.

    Raises:
        RefusedError: there is no such encoding.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError as exc:
        raise RefusedError(
            f"--encoding {encoding}: there is no such encoding. Such as: utf-8, utf-16, "
            "windows-1252, iso-8859-15, shift_jis."
        ) from exc
    if name in {"utf-8", "utf-8-sig"}:
        return stream
    return cast(BinaryIO, io.BufferedReader(Recoded(stream, encoding), _CHUNK))


def undamaged(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a file.

    Raises:
        RefusedError: what the file is packed in ends in the middle.
    """
    line = 0
    try:
        for row in rows:
            line = row.line
            yield row
    # Of what bzip2 has packed, damage is an OSError.
    except (*DAMAGED, OSError) as exc:
        raise RefusedError(
            f"The file is damaged after line {line:,} ({exc}); nothing was imported. "
            "Get the file again."
        ) from exc
