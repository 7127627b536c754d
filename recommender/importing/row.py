"""A row of a file, before it is a product or an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file.

    Attributes:
        line: the number of its first line; the file's first line is 1.
        raw: its text, as far as it can be shown.
        values: by column; text from CSV, any JSON value from JSON Lines.
        problem: why it cannot be read, or None.
    """

    line: int
    raw: str
    values: Values
    problem: str | None = None
