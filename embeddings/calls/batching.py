"""Splitting any number of rows into calls that a model takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def split(rows: Sequence[T], max_rows: int) -> Iterator[Sequence[T]]:
    """Consecutive runs of `max_rows` rows; the last may be shorter."""
    for start in range(0, len(rows), max_rows):
        yield rows[start : start + max_rows]


def runs(sizes: Sequence[int], max_rows: int, max_size: int | None) -> Iterator[range]:
    """Consecutive runs of at most `max_rows` rows and of at most `max_size` in all.

    `sizes` are the rows' tokens. A row that is larger by itself is a run of its own.
    """
    if max_size is None:
        for start in range(0, len(sizes), max_rows):
            yield range(start, min(start + max_rows, len(sizes)))
        return
    start = total = 0
    for row, size in enumerate(sizes):
        if row > start and (row - start == max_rows or total + size > max_size):
            yield range(start, row)
            start, total = row, 0
        total += size
    if sizes:
        yield range(start, len(sizes))
