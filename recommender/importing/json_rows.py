"""Rows of JSON Lines: one object a line."""

from collections.abc import Iterator
from typing import Any

import orjson

from recommender.importing.lines import Line
from recommender.importing.row import Row

NOT_JSON, NOT_OBJECT = "malformed row: not valid JSON", "malformed row: not a JSON object"


def read(lines: Iterator[Line]) -> Iterator[Row]:
    """A row for every line that is not blank."""
    for line in lines:
        raw = line.text.strip()
        if raw:
            yield _row(line, raw)


def _row(line: Line, raw: str) -> Row:
    if line.problem:
        return Row(line.number, raw, {}, line.problem)
    try:
        values: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Row(line.number, raw, {}, NOT_JSON)
    if not isinstance(values, dict):
        return Row(line.number, raw, {}, NOT_OBJECT)
    return Row(line.number, raw, values)
