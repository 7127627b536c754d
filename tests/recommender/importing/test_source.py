import gzip
from pathlib import Path

import pytest

from recommender.importing import source
from recommender.importing.row import RefusedError, Row


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
