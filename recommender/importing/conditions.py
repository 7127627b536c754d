"""`--where`: which rows of a file are wanted."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from recommender.catalog import values
from recommender.catalog.values import BadValueError
from recommender.importing.mapping import Columns
from recommender.importing.row import BadRowError, RefusedError, Values

# Longer operators first: `>=` is not `>` and a value that starts with `=`.
_OPERATORS = ("!=", ">=", "<=", "!~", "=", ">", "<", "~")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one column; `test` takes the value as it was read."""

    column: str
    test: Callable[[Any], bool]


def parse(expressions: Sequence[str], columns: Columns) -> list[Condition]:
    """Conditions, each `Column` (not empty) or a column, an operator and a value.

    `=` and `!=` compare text, `~` and `!~` search a regular expression, and `>`, `>=`, `<`, `<=`
    compare numbers, or times where the value is one.

    Raises:
        RefusedError: no such column, or a value that the operator does not take.
    """
    return [_parse_one(expression, columns) for expression in expressions]


def hold(conditions: Sequence[Condition], row: Values) -> bool:
    """Whether all conditions hold.

    Raises:
        BadRowError: none fails for sure, but a value cannot be compared.
    """
    doubt = None
    for condition in conditions:
        try:
            if not condition.test(row.get(condition.column)):
                return False
        except BadValueError as exc:
            doubt = BadRowError(f"{condition.column} {exc}")
    if doubt:
        raise doubt
    return True


def _parse_one(expression: str, columns: Columns) -> Condition:
    column, sign, operand = _split(expression, columns)
    columns.require(column, f"--where {expression}")
    if not sign:
        return Condition(column, lambda value: _text(value) != "")
    if sign in {"=", "!="}:
        return Condition(column, lambda value: (_text(value) == operand) == (sign == "="))
    if sign in {"~", "!~"}:
        pattern = _pattern(expression, operand)
        return Condition(
            column, lambda value: (pattern.search(_text(value)) is not None) == (sign == "~")
        )
    return Condition(column, _comparison(expression, _ORDER[sign], operand))


def _split(expression: str, columns: Columns) -> tuple[str, str, str]:
    """Column, operator, value; a column's name may itself hold what looks like an operator."""
    if expression in columns.names:
        return expression, "", ""
    for column in sorted(set(columns.names), key=len, reverse=True):
        rest = expression.removeprefix(column).lstrip()
        sign = next((operator for operator in _OPERATORS if rest.startswith(operator)), None)
        if expression.startswith(column) and sign:
            return column, sign, rest.removeprefix(sign).strip()
    parts = re.split("(" + "|".join(map(re.escape, _OPERATORS)) + ")", expression, maxsplit=1)
    return parts[0].strip(), "", ""


def _pattern(expression: str, operand: str) -> re.Pattern[str]:
    try:
        return re.compile(operand)
    except re.error as exc:
        raise RefusedError(f"--where {expression}: not a regular expression ({exc}).") from exc


def _comparison(
    expression: str, compare: Callable[[Any, Any], bool], operand: str
) -> Callable[[Any], bool]:
    """A test that no empty value passes."""
    convert, bound = _bound(expression, operand)

    def test(value: Any) -> bool:
        converted = convert(value)
        return converted is not None and compare(converted, bound)

    return test


def _bound(expression: str, operand: str) -> tuple[Callable[[Any], Any], Any]:
    converters: tuple[Callable[[Any], Any], ...] = (values.number, values.time)
    for convert in converters:
        try:
            bound = convert(operand)
        except BadValueError:
            continue
        if bound is not None:
            return convert, bound
    raise RefusedError(
        f"--where {expression}: {operand!r} is neither a number nor a time such as 2011-10-01."
    )


def _text(value: Any) -> str:
    """The value as it is written in the file."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else orjson.dumps(value).decode()
