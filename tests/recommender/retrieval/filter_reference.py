"""What a filter lets through, evaluated in plain Python: what the compiled SQL is held against."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

COLUMNS = {
    "id": "string",
    "title": "string",
    "brand": "string",
    "category": "path",
    "price": "number",
    "in_stock": "boolean",
    "released_at": "time",
}
_DEFAULTS = {"in_stock": True, "title": "", "brand": "", "category": ""}


def evaluate(
    document: Mapping[str, Any], product: Mapping[str, Any], kinds: Mapping[str, str]
) -> bool:
    """Whether a product passes a filter, with attributes of these types."""
    return all(_member(name, value, product, kinds) for name, value in document.items())


def holds(operator: str, own: Any, operand: Any) -> bool:
    """Whether a product's own value, None where it has none, is what a condition asks for."""
    if operator == "exists":
        return operand == (own is not None)
    if operator in {"ne", "not_in"}:
        return not holds({"ne": "eq", "not_in": "in"}[operator], own, operand)
    if own is None:
        return False
    own, operand = _exact(own), _exact(operand)
    return {
        "eq": lambda: own == operand,
        "in": lambda: own in operand,
        "lt": lambda: own < operand,
        "lte": lambda: own <= operand,
        "gt": lambda: own > operand,
        "gte": lambda: own >= operand,
        "under": lambda: own == operand.rstrip("/") or own.startswith(operand.rstrip("/") + "/"),
        "contains": lambda: operand in own,
        "contains_any": lambda: any(item in own for item in operand),
        "contains_all": lambda: all(item in own for item in operand),
    }[operator]()


def _member(name: str, value: Any, product: Mapping[str, Any], kinds: Mapping[str, str]) -> bool:
    if name == "all":
        return all(evaluate(part, product, kinds) for part in value)
    if name == "any":
        return any(evaluate(part, product, kinds) for part in value)
    if name == "not":
        return not evaluate(value, product, kinds)
    attribute = name.removeprefix("attributes.")
    kind = COLUMNS.get(name) or kinds[attribute]
    own = _column(name, product) if name in COLUMNS else product["attributes"].get(attribute)
    return all(
        operand == (own not in (None, ""))
        if operator == "exists" and name in COLUMNS
        else holds(operator, own, _typed(kind, operator, operand))
        for operator, operand in _operators(kind, value).items()
    )


def _operators(kind: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    single, several = ("contains", "contains_any") if kind == "strings" else ("eq", "in")
    return {several if isinstance(value, list) else single: value}


def _column(name: str, product: Mapping[str, Any]) -> Any:
    own = product.get(name, _DEFAULTS.get(name))
    return own if own is None else _typed(COLUMNS[name], "eq", own)


def _typed(kind: str, operator: str, value: Any) -> Any:
    if kind != "time" or operator == "exists":
        return value
    if isinstance(value, list):
        return [_typed(kind, operator, item) for item in value]
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _exact(value: Any) -> Any:
    """Numbers as they are written: 0.1 is a tenth."""
    if isinstance(value, list):
        return [_exact(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else value
