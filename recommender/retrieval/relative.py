"""Operands that are relative to the product that a request asks about.

{"price": {"lte": {"product": "price", "times": 1.2, "plus": 5}}}
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from recommender.retrieval.conditions import LISTS
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.operands import OperandError, shown
from recommender.retrieval.product_fields import GEO, NUMBER, PATH, STRING, STRINGS, TEXT, Field

_TEXTS = {STRING, PATH, TEXT}
# What takes no value of a product.
_ABSOLUTE = {"exists", "within", "older_than"}
_DEFAULTS = {"times": 1.0, "plus": 0.0}


def is_relative(operator: str, operand: Any) -> bool:
    """Whether an operand names a field of the product that is asked about."""
    return operator not in _ABSOLUTE and isinstance(operand, Mapping) and "product" in operand


def resolve(
    operand: Mapping[str, Any], source: Field, field: Field, operator: str, context: FilterContext
) -> Any:
    """What the operand stands for; None where the product has no such value.

    Args:
        source: the field that the operand names.
        field: the field of the condition.

    Raises:
        OperandError: no product is asked about, or its field cannot be compared with this one.
    """
    if context.product is None:
        raise OperandError(
            "There is no product to compare with here; ask for products like one, or by exactly "
            "one under `products`."
        )
    _check_members(operand, field)
    if not _fit(source.kind, field.kind, operator):
        raise OperandError(
            f"{operand['product']!r} is of type {source.kind}, which is not compared so with "
            f"one of type {field.kind}.",
            ".product",
        )
    value = context.value(source)
    if value is None or value == []:
        return None
    if field.kind == NUMBER and operand.keys() & _DEFAULTS.keys():
        value = _scaled(value, operand)
    if field.kind == GEO:
        return {**value, "within": operand.get("within")}
    return [value] if operator in LISTS and not isinstance(value, list) else value


def _check_members(operand: Mapping[str, Any], field: Field) -> None:
    known = {"product"}
    if field.kind == NUMBER:
        known |= _DEFAULTS.keys()
    if field.kind == GEO:
        known |= {"within"}
    for name in operand:
        if name not in known:
            allowed = ", ".join(sorted(known))
            raise OperandError(f"Unknown member {shown(name)}; here: {allowed}.")


def _fit(source: str, kind: str, operator: str) -> bool:
    """Whether a value of one type is an operand for a field of another."""
    if operator in LISTS and source == STRINGS:
        return kind in {STRINGS, STRING, PATH}
    if kind in _TEXTS or kind == STRINGS:
        return source in _TEXTS
    return source == kind


def _scaled(value: float, operand: Mapping[str, Any]) -> float:
    """As decimals: 19.99 times 1.2 is 23.988, with nothing that floating point adds to a price."""
    factor, summand = (_factor(operand, name, default) for name, default in _DEFAULTS.items())
    scaled = float(Decimal(str(value)) * factor + summand)
    if not math.isfinite(scaled):
        raise OperandError("Is too large a number.")
    return scaled


def _factor(operand: Mapping[str, Any], name: str, default: float) -> Decimal:
    given = operand.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise OperandError(f"Takes a number, not {shown(given)}.", f".{name}")
    return Decimal(str(given))
