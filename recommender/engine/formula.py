"""A formula over a product's relevance and fields: arithmetic and a few functions, nothing else."""

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The names that every formula knows beside the fields: as ranked, from 0 to 1; since release.
RELEVANCE, SCORE, AGE_DAYS = "relevance", "score", "age_days"
GIVEN = (RELEVANCE, SCORE)

MAX_LENGTH = 300
_MOST_NODES = 60
_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = {
    "abs": (np.abs, 1),
    "exp": (np.exp, 1),
    "log": (np.log, 1),
    "sqrt": (np.sqrt, 1),
    "min": (np.minimum, 2),
    "max": (np.maximum, 2),
}
_OPERATORS: Mapping[type[ast.operator], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


class FormulaError(ValueError):
    """A formula that cannot be used; the message says what of it is wrong."""


@dataclass(frozen=True, slots=True)
class Formula:
    """An arithmetic expression that is checked."""

    text: str
    names: tuple[str, ...]  # of the fields that it reads

    def relevance(self, values: Mapping[str, Floats]) -> Floats:
        """The formula's value for each product; NaN where it has none.

        Args:
            values: by name, of GIVEN and of `names`; shape (products,).

        Returns:
            Shape (products,).
        """
        with np.errstate(all="ignore"):
            result = _value(_parse(self.text), values)
        shape = values[RELEVANCE].shape
        finite: Floats = np.broadcast_to(np.asarray(result, dtype=np.float64), shape).copy()
        finite[~np.isfinite(finite)] = np.nan
        return finite


def check(text: str, fields: Collection[str]) -> Formula:
    """The formula, of which every part is known.

    Raises:
        FormulaError: for what is no arithmetic, a name that is no field with numbers, or too much.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"A formula has at most {MAX_LENGTH} characters.")
    tree = _parse(text)
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise FormulaError("The formula has too many parts; shorten it.")
    names = dict.fromkeys(_names(tree))
    for name in names:
        if name not in GIVEN and name not in fields:
            known = ", ".join([*GIVEN, *sorted(fields)[:20]])
            raise FormulaError(f"{name!r} is no number of a product; there are: {known}.")
    return Formula(text, tuple(name for name in names if name not in GIVEN))


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise FormulaError("This is no arithmetic expression.") from exc


def _names(node: ast.expr) -> list[str]:
    """The names that an expression reads, in order.

    Raises:
        FormulaError: for any part that is not allowed.
    """
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            _check_number(number)
            return []
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _names(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _names(left) + _names(right)
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _FUNCTIONS:
            _, number_of = _FUNCTIONS[name]
            if len(given) != number_of:
                raise FormulaError(f"{name}() takes {number_of} values, not {len(given)}.")
            return [inner for one in given for inner in _names(one)]
    functions = ", ".join(_FUNCTIONS)
    raise FormulaError(
        f"A formula has numbers, names, + - * / ** and {functions}, not {ast.unparse(node)[:40]!r}."
    )


def _check_number(number: float) -> None:
    try:
        is_finite = bool(np.isfinite(float(number)))
    except OverflowError:
        is_finite = False
    if not is_finite:
        raise FormulaError("A number of the formula is too large.")


def _value(node: ast.expr, values: Mapping[str, Floats]) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=number):
            return np.float64(number)  # type: ignore[arg-type]
        case ast.UnaryOp(op=op, operand=operand):
            inner = _value(operand, values)
            return -inner if isinstance(op, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=given):
            function, _ = _FUNCTIONS[name]
            return function(*(_value(one, values) for one in given))
    raise FormulaError("The formula was not checked.")
