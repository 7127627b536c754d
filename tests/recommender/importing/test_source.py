import gzip
import io
import zipfile
from pathlib import Path

import orjson
import pyarrow
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from recommender.importing import documents, source
from recommender.importing.row import RefusedError, Row
from recommender.importing.source import Options


def rows(path: Path) -> list[Row]:
    examined = source.examine(path)
    with path.open("rb") as file:
        return list(examined.rows(file))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_shows_in_the_header(desk, delimiter):
    text = delimiter.join(["id", "a title", "price"]) + "\n" + delimiter.join("123") + "\n"
    (row,) = rows(desk.file(text))
    assert row.values == {"id": "1", "a title": "2", "price": "3"}


def test_a_header_of_one_column_is_enough(desk):
    assert [row.values for row in rows(desk.file("id\n7\n"))] == [{"id": "7"}]


def test_a_quoted_header_may_hold_delimiters_and_line_ends(desk):
    (row,) = rows(desk.file('"id; or\nkey",b\n1,2\n'))
    assert (row.line, row.values) == (3, {"id; or\nkey": "1", "b": "2"})


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz", "a.txt", "a"])
def test_json_lines_are_known_by_content_or_name(desk, name):
    content = b'{"id": 1}\n{"id": 2, "title": "x"}\n'
    path = desk.file(gzip.compress(content) if name.endswith(".gz") else content, name)
    assert source.examine(path).columns.names == ("id", "title")
    assert [row.line for row in rows(path)] == [1, 2]


def test_json_lines_may_start_with_a_bad_one(desk):
    path = desk.file('oops\n{"id": 1}\n', "a.jsonl")
    assert [row.problem is None for row in rows(path)] == [False, True]


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        (b"", "a.csv", "is empty"),
        (b"\n \n", "a.csv", "is empty"),
        (b"", "a.jsonl", "is empty"),
        (gzip.compress(b"", mtime=0), "a.csv.gz", "is empty"),
        (b",,\n1,2,3\n", "a.csv", "no header"),
        (b"oops\nagain\n", "a.jsonl", "no row with columns"),
        (b'[{"id": 1}', "a.json", "array does not end"),
        (b"PK\x03\x04\x00\x00 no archive\n", "a.zip", "ZIP file cannot be read"),
        (b"\x00\x01\x02\x03", "a.csv", "not a text file"),
        (b"<rss><item></rss>", "a.xml", "not well-formed XML"),
        (b'"id,title\n1,x\n', "a.csv", "header of .* cannot be read"),
        (b"id,title\r1,x\r", "a.csv", "header of .* cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_to_do(desk, content, name, complaint):
    with pytest.raises(RefusedError, match=complaint):
        source.examine(desk.file(content, name))


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    with pytest.raises(RefusedError, match="does not exist"):
        source.examine(tmp_path / "nowhere.csv")
    with pytest.raises(RefusedError, match="is not a file"):
        source.examine(tmp_path)


TABLE = "id,title\n1,Café\n2,Mug\n"
EXPECTED = [{"id": "1", "title": "Café"}, {"id": "2", "title": "Mug"}]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xef\xbb\xbf" + TABLE.encode(), "a.csv"),
        (TABLE.encode("utf-16"), "a.csv"),
        (TABLE.encode("utf-16-le"), "a.csv"),
        (TABLE.encode("utf-16-be"), "a.csv"),
        (TABLE.encode("windows-1252"), "a.csv"),
        (TABLE.replace(",", "|").encode(), "a.csv"),
        (TABLE.replace(",", "::").encode(), "a.dat"),
        (b"sep=;\r\n" + TABLE.replace(",", ";").encode(), "a.csv"),
        (gzip.compress(TABLE.encode(), mtime=0), "a.csv.gz"),
        (zstandard.compress(TABLE.encode()), "a.csv.zst"),
        (orjson.dumps(EXPECTED), "a.json"),
        (orjson.dumps(EXPECTED, option=orjson.OPT_INDENT_2), "a.json"),
        (orjson.dumps({"products": EXPECTED}, option=orjson.OPT_INDENT_2), "a.json"),
        (orjson.dumps({"products": EXPECTED}), "a.json"),
    ],
)
def test_containers_encodings_and_dialects_give_the_same_rows(desk, content, name):
    assert [row.values for row in rows(desk.file(content, name))] == EXPECTED


def test_a_zip_of_one_file_is_read_and_one_of_several_is_refused(desk, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shop/a.csv", TABLE)
        archive.writestr("__MACOSX/shop/._a.csv", "x")
    assert [row.values for row in rows(tmp_path / "a.zip")] == EXPECTED
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("b.csv", TABLE)
    with pytest.raises(RefusedError, match=r"holds 2 files .*Unpack it"):
        source.examine(tmp_path / "a.zip")


def test_a_guess_of_the_encoding_is_said_and_another_can_be_named(desk):
    path = desk.file(TABLE.encode("windows-1252"))
    assert "it is read as windows-1252" in source.examine(path).notices[0]
    assert source.examine(path, Options(encoding="iso-8859-15")).notices == ()
    with pytest.raises(RefusedError, match="--encoding klingon: there is no such encoding"):
        source.examine(path, Options(encoding="klingon"))


def test_one_broken_row_does_not_make_another_encoding(desk):
    broken = b"id,title\n1,Mug\n2,\xff\xfe\n3,Caf\xc3\xa9\n"
    assert [row.problem for row in rows(desk.file(broken))] == [None, "not UTF-8", None]


def test_a_file_without_a_header_takes_the_names_that_are_given(desk):
    examined = source.examine(desk.file("1,Café\n2,Mug\n"), Options(header=("id", "title")))
    with examined.path.open("rb") as file:
        assert [row.values for row in examined.rows(file)] == EXPECTED


@pytest.mark.parametrize(
    "bad", [b'{"id": "\\ud800"}', b'{"id": "\xff"}', b'{"id": 1,}', b"7", b'{"id": tru}']
)
def test_one_bad_element_of_an_array_costs_only_itself(desk, bad):
    content = b'[\n {"id": "1, [\\"2\\"]"},\n ' + bad + b',\n {"id": "3"}]\n'
    first, second, third = rows(desk.file(content, "a.json"))
    assert (first.values, third.values) == ({"id": '1, ["2"]'}, {"id": "3"})
    assert second.problem is not None
    assert [first.line, second.line, third.line] == [2, 3, 4]


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=3),
            st.recursive(st.text(max_size=5) | st.integers(0, 9), st.lists, max_leaves=5),
            max_size=3,
        ),
        max_size=4,
    ),
    st.integers(1, 7),
)
def test_an_array_is_parted_wherever_its_chunks_end(elements, size):
    content = orjson.dumps(elements, option=orjson.OPT_INDENT_2)
    stream = io.BytesIO(content)
    read = stream.read
    stream.read = lambda _: read(size)  # type: ignore[method-assign]
    assert [row.values for row in documents.read_json_array(stream)] == elements


def test_an_entity_of_a_feed_reads_no_file_and_breaks_nothing(desk, tmp_path):
    (tmp_path / "secret").write_text("secret")
    feed = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
        "<rss><channel><item><id>1</id><title>Mug &x;</title><price>&x;</price></item>"
        "</channel></rss>"
    )
    (row,) = rows(desk.file(feed, "a.xml"))
    assert row.values == {"id": "1", "title": "Mug ", "price": None}


def test_workbooks_and_parquet_files_are_read(tmp_path):
    table = pyarrow.table({"id": ["007", "8"], "price": [1.5, 2.0], "tags": [["a", "b"], None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert [row.values for row in rows(tmp_path / "a.parquet")] == [
        {"id": "007", "price": 1.5, "tags": ["a", "b"]},
        {"id": "8", "price": 2, "tags": None},
    ]
    (tmp_path / "a.xlsx").write_bytes(WORKBOOK)
    assert [row.values for row in rows(tmp_path / "a.xlsx")] == [{"id": 7, "title": "Mug"}]
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RefusedError, match="Parquet file cannot be read"):
        rows(tmp_path / "b.parquet")


def _workbook() -> bytes:
    """The least that a workbook can be."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    cells = [["id", "title"], [7, "Mug"]]
    sheet = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{column}{number}"><v>{cell}</v></c>'
            if isinstance(cell, int)
            else f'<c r="{column}{number}" t="inlineStr"><is><t>{cell}</t></is></c>'
            for column, cell in zip("AB", row, strict=True)
        )
        + "</row>"
        for number, row in enumerate(cells, 1)
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        )
    return buffer.getvalue()


WORKBOOK = _workbook()
