"""Rows as text, in columns."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, numbers to the right; the first row is the header.

    A column is of numbers where every cell under its header begins with a digit or `$`.
    """
    columns = list(zip(*rows, strict=True))
    numeric = [
        all(cell[:1].isdigit() or cell[:1] in "$" for cell in column[1:]) for column in columns
    ]
    widths = [max(map(len, column)) for column in columns]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )
