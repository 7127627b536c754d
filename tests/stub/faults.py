"""Wrong rows of an answer, for `Reply.rows`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Rows = Sequence[dict[str, Any]]


def backwards(rows: Rows) -> Rows:
    """The rows in another order; what they hold is right."""
    return rows[::-1]


def one_short(rows: Rows) -> Rows:
    """Without the last row."""
    return rows[:-1]


def one_more(rows: Rows) -> Rows:
    """With a row that nobody asked for."""
    name = _index_name(rows[-1])
    return [*rows, rows[-1] | {name: rows[-1][name] + 1}]


def same_index(rows: Rows) -> Rows:
    """Every row under the index of the first."""
    name = _index_name(rows[0])
    return [row | {name: rows[0][name]} for row in rows]


def not_a_number(rows: Rows) -> Rows:
    """The first vector without one of its numbers."""
    return _first(rows, np.nan)


def zero(rows: Rows) -> Rows:
    """The first vector points nowhere."""
    vector = np.zeros_like(rows[0]["embedding"])
    return [rows[0] | {"embedding": vector}, *rows[1:]]


def too_short(rows: Rows) -> Rows:
    """The first vector without its last number."""
    return [rows[0] | {"embedding": rows[0]["embedding"][:-1]}, *rows[1:]]


def _first(rows: Rows, number: float) -> Rows:
    vector = np.array(rows[0]["embedding"])
    vector[0] = number
    return [rows[0] | {"embedding": vector}, *rows[1:]]


def _index_name(row: dict[str, Any]) -> str:
    return "text_index" if "text_index" in row else "index"
