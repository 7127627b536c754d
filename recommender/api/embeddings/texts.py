"""The rows of text in a request."""

from typing import Any

from embeddings.calls.tokens import estimate
from embeddings.spec import ModelSpec
from embeddings.types import Input
from recommender.api.embeddings.errors import empty_input, invalid, wrong_length


def inputs_of(value: Any, spec: ModelSpec) -> list[Input]:
    """The inputs that a string, or a list of strings, stands for: one a row.

    A file arrives as its lines, with their ends. Lists of numbers, be they tokens or the bytes
    of a file, are texts to nobody here.

    Raises:
        Failure: 400 by the vendor's own wording.
    """
    rows = [value] if isinstance(value, str) else value
    if rows is None or rows == []:
        raise empty_input()
    if not (isinstance(rows, list) and all(isinstance(row, str) for row in rows)):
        raise invalid("Value error, contents is neither str nor list of str.: input.contents")
    check_rows(len(rows), spec)
    return [Input(text=_line(row, spec)) for row in rows]


def check_rows(count: int, spec: ModelSpec) -> None:
    """Refuse more rows than the model takes in a call."""
    if count > spec.max_rows:
        raise invalid(
            "<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, "
            f"it should not be larger than {spec.max_rows}.: input.contents"
        )


def _line(row: str, spec: ModelSpec) -> str:
    line = row.rstrip("\r\n")
    # What a hosted model counts, it knows best: it refuses for itself.
    is_too_long = not spec.is_hosted and estimate(line) > spec.max_tokens
    if is_too_long or not line.strip():
        raise wrong_length(spec)
    return line
