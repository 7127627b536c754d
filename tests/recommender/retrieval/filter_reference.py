"""What a filter lets through, evaluated in plain Python: what the compiled SQL is held against."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
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
NOW = datetime(2024, 6, 1, tzinfo=UTC)
_RADIUS = 6378168  # of the Earth, in metres
_METRES = {"km": 1000, "m": 1}


def evaluate(
    document: Mapping[str, Any],
    product: Mapping[str, Any],
    kinds: Mapping[str, str],
    asked: Mapping[str, Any],
) -> bool:
    """Whether a product passes a filter at NOW, with attributes of these types.

    Args:
        asked: the product that is asked about.
    """
    return all(_member(name, value, product, kinds, asked) for name, value in document.items())


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
        "under": lambda: any(
            own == path.rstrip("/") or own.startswith(path.rstrip("/") + "/")
            for path in (operand if isinstance(operand, list) else [operand])
        ),
        "prefix": lambda: own.startswith(operand),
        "text": lambda: _words(operand) <= _words(own),
        "within": lambda: NOW - timedelta(days=int(operand[:-1])) <= own <= NOW,
        "older_than": lambda: own < NOW - timedelta(days=int(operand[:-1])),
        "near": lambda: _metres_between(own, operand) <= _metres(operand["within"]),
        "contains": lambda: operand in own,
        "contains_any": lambda: any(item in own for item in operand),
        "contains_all": lambda: all(item in own for item in operand),
    }[operator]()


def _member(
    name: str,
    value: Any,
    product: Mapping[str, Any],
    kinds: Mapping[str, str],
    asked: Mapping[str, Any],
) -> bool:
    if name == "all":
        return all(evaluate(part, product, kinds, asked) for part in value)
    if name == "any":
        return any(evaluate(part, product, kinds, asked) for part in value)
    if name == "not":
        return not evaluate(value, product, kinds, asked)
    kind = COLUMNS.get(name) or kinds[name.removeprefix("attributes.")]
    own = _own(name, kind, product)
    if own == "" and name in COLUMNS and isinstance(value, dict) and "exists" in value:
        own = None
    return all(
        _passes(operator, own, kind, operand, asked)
        for operator, operand in _operators(kind, value).items()
    )


def _passes(operator: str, own: Any, kind: str, operand: Any, asked: Mapping[str, Any]) -> bool:
    if isinstance(operand, dict) and "product" in operand:
        resolved = _relative(operator, operand, asked)
        if resolved is None:
            return operator in {"ne", "not_in"}
        return holds(operator, own, _typed(kind, operator, resolved))
    return holds(operator, own, _typed(kind, operator, operand))


def _own(name: str, kind: str, product: Mapping[str, Any]) -> Any:
    if name in COLUMNS:
        return _column(name, product)
    own = product["attributes"].get(name.removeprefix("attributes."))
    return own if own is None else _typed(kind, "eq", own)


def _relative(operator: str, operand: Mapping[str, Any], asked: Mapping[str, Any]) -> Any:
    """What an operand stands for; None for nothing."""
    name = operand["product"]
    if name in COLUMNS:
        value = asked.get(name, _DEFAULTS.get(name))
    else:
        value = asked["attributes"].get(name.removeprefix("attributes."))
    # A text of a product that was never given is none; an attribute may be an empty one.
    if value is None or value == [] or (value == "" and name in COLUMNS):
        return None
    if operator == "near":
        return {**value, "within": operand["within"]}
    if "times" in operand:
        value = float(Decimal(str(value)) * operand["times"] + operand["plus"])
    is_list = operator in {"in", "not_in", "contains_any", "contains_all"}
    return [value] if is_list and not isinstance(value, list) else value


def _words(text: Any) -> set[str]:
    texts = text if isinstance(text, list) else [text]
    return {word for one in texts for word in re.findall(r"\w+", one.lower())}


def _metres(written: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(km|m)", written).groups()  # type: ignore[union-attr]
    return int(number) * _METRES[unit]


def _metres_between(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """By the haversine formula."""
    (lat1, lon1), (lat2, lon2) = (
        (radians(place["lat"]), radians(place["lon"])) for place in (one, other)
    )
    root = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _RADIUS * asin(min(1.0, sqrt(root)))


def _operators(kind: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    single, several = ("contains", "contains_any") if kind == "strings" else ("eq", "in")
    return {several if isinstance(value, list) else single: value}


def _column(name: str, product: Mapping[str, Any]) -> Any:
    own = product.get(name, _DEFAULTS.get(name))
    return own if own is None else _typed(COLUMNS[name], "eq", own)


def _typed(kind: str, operator: str, value: Any) -> Any:
    if kind != "time" or operator in {"exists", "within", "older_than"}:
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
