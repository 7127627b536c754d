import io

import pytest

from recommender.importing import row
from recommender.importing.row import NOT_UTF8, Row, read_json_lines, split_lines


def read(content: bytes) -> list[Row]:
    return list(read_json_lines(split_lines(io.BytesIO(content))))


def test_every_line_that_is_not_blank_is_a_row():
    first, second = read(b'{"a": 1}\n\n  {"b": [true, null]}')
    assert (first.line, first.values) == (1, {"a": 1})
    assert (second.line, second.values) == (3, {"b": [True, None]})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": 1', row.NOT_JSON),
        (b'{"a": NaN}', row.NOT_JSON),
        (b'{"a": "\\ud800"}', row.NOT_JSON),
        (b"[" * 2000, row.NOT_JSON),
        (b"[1, 2]", row.NOT_OBJECT),
        (b"7", row.NOT_OBJECT),
        (b'{"a": "caf\xe9"}', NOT_UTF8),
    ],
)
def test_a_bad_line_costs_only_itself(line, problem):
    bad, good = read(line + b'\n{"a": 2}\n')
    assert (bad.line, bad.problem, good.values) == (1, problem, {"a": 2})
