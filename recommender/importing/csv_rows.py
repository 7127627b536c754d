"""Rows of CSV, one bad row costing no other."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence

from recommender.importing.lines import MAX_BYTES, Line
from recommender.importing.row import Row

STRAY_QUOTE = "malformed row: a quote is not closed or stands astray"
TOO_MANY, TOO_FEW = "malformed row: too many columns", "malformed row: too few columns"

# A line is no longer than that, so only an unclosed quote makes a longer field.
csv.field_size_limit(MAX_BYTES)


def read(lines: Iterator[Line], columns: Sequence[str], delimiter: str) -> Iterator[Row]:
    """The rows below the header, which has been read; blank lines are none."""
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problem = STRAY_QUOTE
        else:
            if len(cells) == len(columns):
                taken = feed.take_all()
                fault = next((line.problem for line in taken if line.problem), None)
                values = dict(zip(columns, cells, strict=True))
                yield Row(taken[0].number, _raw(taken), values, fault)
                continue
            if not cells:
                feed.take_all()
                continue
            problem = TOO_MANY if len(cells) > len(columns) else TOO_FEW
        # A stray quote swallows the lines after it: give up the first, read the others again.
        bad = feed.take_first()
        yield Row(bad.number, _raw([bad]), {}, bad.problem or problem)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)


class _Feed:
    """Lines for a csv.reader, kept until it is known what they make."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: deque[Line] = deque()
        self._given: list[Line] = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._given.append(line)
        return line.text

    def take_all(self) -> list[Line]:
        """The lines since the last row; they are done with."""
        given, self._given = self._given, []
        return given

    def take_first(self) -> Line:
        """The first line since the last row; those after it come again."""
        first, *others = self.take_all()
        self._again.extendleft(reversed(others))
        return first


def _raw(lines: Sequence[Line]) -> str:
    return "".join(line.text for line in lines).rstrip("\r\n")
