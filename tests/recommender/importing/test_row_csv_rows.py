import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.importing import row
from recommender.importing.row import Dialect, Row, read_csv, split_lines


def read(text: str, columns: str = "ab", delimiter: str = ",") -> list[Row]:
    return list(
        read_csv(split_lines(io.BytesIO(text.encode())), tuple(columns), Dialect(delimiter))
    )


def problems(text: str) -> dict[int, str | None]:
    return {row.line: row.problem for row in read(text)}


def test_a_row_that_spans_lines_has_the_number_of_its_first():
    first, second = read('1,"two\nlines"\n3,4\n')
    assert (first.line, first.values) == (1, {"a": "1", "b": "two\nlines"})
    assert (second.line, second.values) == (3, {"a": "3", "b": "4"})
    assert first.raw == '1,"two\nlines"'


def test_blank_lines_are_no_rows():
    assert [row.line for row in read("\n1,2\r\n\r\n3,4")] == [2, 4]


def test_a_row_with_too_many_or_too_few_cells_costs_only_itself():
    assert problems("1,2\n3\n4,5,6\n7,8\n") == {
        1: None,
        2: row.TOO_FEW,
        3: row.TOO_MANY,
        4: None,
    }


@pytest.mark.parametrize(
    "stray", ['2,"unclosed', '"unclosed,2', '2,"closed"too early', '"a" b,2', '"2,3"']
)
def test_a_stray_quote_costs_only_its_own_row(stray):
    rows = read(f'1,1\n{stray}\n3,"three"\n4,4\n5,"five, ""5"""\n')
    assert [row.line for row in rows if row.problem] == [2]
    assert [row.values["a"] for row in rows if not row.problem] == ["1", "3", "4", "5"]
    assert rows[1].raw == stray


def test_an_unclosed_quote_does_not_swallow_the_rest_of_a_long_file():
    rest = "".join(f"{n},{'x' * 100}\n" for n in range(20_000))
    rows = read(f'1,"unclosed\n{rest}')
    assert [row.line for row in rows if row.problem] == [1]
    assert len(rows) == 20_001


def test_a_nul_is_a_character_like_others_here():
    assert read("1,\x00\n")[0].values == {"a": "1", "b": "\x00"}


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=2, max_size=2
        )
    ),
    st.sampled_from(",;\t"),
)
def test_what_is_written_as_csv_is_read_back(table, delimiter):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    rows = read(text.getvalue(), delimiter=delimiter)
    assert [list(row.values.values()) for row in rows] == table
