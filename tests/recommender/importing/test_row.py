import io

from recommender.importing import row
from recommender.importing.row import NOT_UTF8, split_lines


def read(content: bytes) -> list[row.Line]:
    return list(split_lines(io.BytesIO(content)))


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read(b"\xef\xbb\xbfid,title\n")[0].text == "id,title\n"


def test_foreign_bytes_are_told_and_can_still_be_seen():
    good, bad = read("café\n".encode() + "café\n".encode("latin-1"))
    assert good.problem is None
    assert (bad.text, bad.problem) == ("caf\\xe9\n", NOT_UTF8)


def test_a_line_too_long_for_memory_costs_only_itself():
    first, second, third = read(b"a\n" + b"x" * (3 * row.MAX_BYTES) + b"\nb\n")
    assert (second.number, second.problem) == (2, row.TOO_LONG)
    assert len(second.text) == row.MAX_BYTES
    assert (first.text, third.number, third.text) == ("a\n", 3, "b\n")
