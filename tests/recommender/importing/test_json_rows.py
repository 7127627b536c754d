import io

import pytest

from recommender.importing import json_rows, lines
from recommender.importing.row import Row


def read(content: bytes) -> list[Row]:
    return list(json_rows.read(lines.read(io.BytesIO(content))))


def test_every_line_that_is_not_blank_is_a_row():
    first, second = read(b'{"a": 1}\n\n  {"b": [true, null]}')
    assert (first.line, first.values) == (1, {"a": 1})
    assert (second.line, second.values) == (3, {"b": [True, None]})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": 1', json_rows.NOT_JSON),
        (b'{"a": NaN}', json_rows.NOT_JSON),
        (b'{"a": "\\ud800"}', json_rows.NOT_JSON),
        (b"[" * 2000, json_rows.NOT_JSON),
        (b"[1, 2]", json_rows.NOT_OBJECT),
        (b"7", json_rows.NOT_OBJECT),
        (b'{"a": "caf\xe9"}', lines.NOT_UTF8),
    ],
)
def test_a_bad_line_costs_only_itself(line, problem):
    bad, good = read(line + b'\n{"a": 2}\n')
    assert (bad.line, bad.problem, good.values) == (1, problem, {"a": 2})
