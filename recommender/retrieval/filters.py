"""Typed JSON filters over a product's fields, compiled to SQL.

    {"all": [{"in_stock": true}, {"price": {"lte": 200}}, {"category": {"under": "Home"}}]}

`all`, `any` and `not` combine; a field is given a value, a list of values, or operators.
An unknown field is an error, never ignored. A product without a value fails every comparison
but `ne` and `not_in`, which are the opposites of `eq` and `in`.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from itertools import count, islice
from typing import Any

import orjson
from psycopg import sql

_MAX_DEPTH, _MAX_CONDITIONS = 8, 100
_MAX_VALUES = 1000  # of all conditions: each may be compared with each product
_MAX_LOOKED_UP = 100  # in the index, or one by one in each product where that is not used
_SHOWN_NAMES, _SHOWN_CHARACTERS, _MAX_COMPARED = 5, 60, 1000
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "ne": "IS DISTINCT FROM"}

# The product's own fields: type and column.
FIELDS: dict[str, tuple[str, str]] = {
    "id": ("string", "external_id"),
    "title": ("string", "title"),
    "brand": ("string", "brand"),
    "category": ("path", "category"),
    "currency": ("string", "currency"),
    "price": ("number", "price"),
    "in_stock": ("boolean", "in_stock"),
    "released_at": ("time", "released_at"),
    "created_at": ("time", "created_at"),
}
_OPERATORS = {
    "string": {"eq", "ne", "in", "not_in", "exists"},
    "path": {"eq", "ne", "in", "not_in", "under", "exists"},
    "number": {"eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "exists"},
    "boolean": {"eq", "ne", "in", "not_in", "exists"},
    "time": {"eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "exists"},
    "strings": {"contains", "contains_any", "contains_all", "exists"},
}


class FilterError(ValueError):
    """A filter that cannot be used; `where` is the path to the part that is wrong."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class FilterFieldError(FilterError):
    """A filter by a field that there is not."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on `p`, a row of products, and its parameters."""

    condition: sql.Composable
    parameters: Mapping[str, Any]
    key: str  # equal for equal filters, and short whatever they hold

    def __and__(self, other: "Filter | None") -> "Filter":
        """What passes both, which were parsed with names of their own."""
        if other is None:
            return self
        condition = sql.SQL("{} AND {}").format(self.condition, other.condition)
        return Filter(condition, {**self.parameters, **other.parameters}, self.key + other.key)


def parse(document: Any, attributes: Mapping[str, str], where: str = "filter") -> Filter:
    """Compile a filter document.

    Args:
        document: decoded JSON.
        attributes: the catalog's declared attributes and their types.
        where: the member of the request that it is; filters of one statement differ in it.

    Raises:
        FilterError: for an unknown field or operator, a wrong type, too much or too deep.
    """
    parser = _Parser(attributes, where)
    condition = parser.group(document, where, 0)
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    key = hashlib.blake2b(text, digest_size=16).hexdigest()
    return Filter(condition, parser.parameters, key)


def unknown_field(name: str, fields: Collection[str], attributes: Collection[str]) -> str:
    """What to say of a field that there is not: what may be meant, and some of those there are."""
    # To compare it with each of very many would take seconds.
    alike = islice((other for other in attributes if other[:1] == name[:1]), _MAX_COMPARED)
    near = get_close_matches(name[:_SHOWN_CHARACTERS], [*fields, *alike], _SHOWN_NAMES)
    meant = f" Did you mean {' or '.join(map(_shown, near))}?" if near else ""
    known = ", ".join([*fields, *map(_shown, sorted(attributes)[:_SHOWN_NAMES])])
    more = len(attributes) - _SHOWN_NAMES
    others = f" and {more:,} more attributes." if more > 0 else "."
    return f"Unknown field {_shown(name)!r}.{meant} Known fields: {known}{others}"


def _shown(name: str) -> str:
    return name if len(name) <= _SHOWN_CHARACTERS else f"{name[:_SHOWN_CHARACTERS]}…"


class _Parser:
    def __init__(self, attributes: Mapping[str, str], where: str) -> None:
        self._attributes = attributes
        self._prefix = re.sub(r"\W+", "_", where)
        self._numbers: Iterator[int] = count()
        self._conditions = 0
        self._values = self._looked_up = 0
        self.parameters: dict[str, Any] = {}

    def group(self, document: Any, where: str, depth: int) -> sql.Composable:
        """An object: all of its members must hold."""
        if not isinstance(document, dict) or not document:
            raise FilterError(where, "A filter is an object with at least one field.")
        if depth > _MAX_DEPTH:
            raise FilterError(where, f"A filter nests at most {_MAX_DEPTH} levels.")
        members = [self._member(k, v, f"{where}.{_shown(k)}", depth) for k, v in document.items()]
        return _join(" AND ", members)

    def _member(self, name: str, value: Any, where: str, depth: int) -> sql.Composable:
        if name in {"all", "any"}:
            if not isinstance(value, list) or not value:
                raise FilterError(where, f"{name!r} takes a list of at least one filter.")
            parts = [self.group(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
            return _join(" AND " if name == "all" else " OR ", parts)
        if name == "not":
            return sql.SQL("NOT COALESCE({}, false)").format(self.group(value, where, depth + 1))
        return self._field(name, value, where)

    def _field(self, name: str, value: Any, where: str) -> sql.Composable:
        attribute = name.removeprefix("attributes.")
        if name in FIELDS:
            kind, column = FIELDS[name]
            compile_one = partial(self._column, kind, column)
        elif attribute in self._attributes:
            kind = self._attributes[attribute]
            compile_one = partial(self._attribute, kind, attribute)
        else:
            raise FilterFieldError(where, unknown_field(name, FIELDS, self._attributes))
        operators = _operators(kind, value, where)
        self._conditions += len(operators)
        if self._conditions > _MAX_CONDITIONS:
            raise FilterError(where, f"A filter has at most {_MAX_CONDITIONS} conditions.")
        for operator, operand in operators.items():
            self._count(operand, f"{where}.{operator}")
        return _join(
            " AND ",
            [
                compile_one(operator, operand, f"{where}.{operator}")
                for operator, operand in operators.items()
            ],
        )

    def _count(self, operand: Any, where: str) -> None:
        self._values += len(operand) if isinstance(operand, list) else 1
        if self._values > _MAX_VALUES:
            raise FilterError(
                where,
                f"A filter has at most {_MAX_VALUES:,} values in all its conditions together. Give "
                "the products that are meant an attribute or a category, and filter by that.",
            )

    def _column(
        self, kind: str, column: str, operator: str, operand: Any, where: str
    ) -> sql.Composable:
        left = sql.SQL("p.{}").format(sql.Identifier(column))
        if operator == "exists":
            _check("boolean", operand, where)
            # A text that was never given is empty; the others are NULL.
            present = "COALESCE({}::text, '') <> ''" if operand else "COALESCE({}::text, '') = ''"
            return sql.SQL(present).format(left)
        if operator in {"in", "not_in"}:
            values = self._bind(_list(kind, operand, where))
            form = "{} = ANY({})" if operator == "in" else "({} = ANY({})) IS NOT TRUE"
            return sql.SQL(form).format(left, values)
        checked = _check(kind, operand, where)
        if operator == "under":
            return self._under(left, checked.rstrip("/"), where)
        comparison = sql.SQL(_COMPARISONS[operator])
        return sql.SQL("{} {} {}").format(left, comparison, self._bind(checked))

    def _under(self, left: sql.Composable, path: str, where: str) -> sql.Composable:
        if not path:
            raise FilterError(where, "Name a category; for all of them, leave this out.")
        # A range and not LIKE: a plain index serves it with any parameter. "0" follows "/".
        return sql.SQL("({0} = {1} OR ({0} >= {2} AND {0} < {3}))").format(
            left, self._bind(path), self._bind(f"{path}/"), self._bind(f"{path}0")
        )

    def _attribute(
        self, kind: str, name: str, operator: str, operand: Any, where: str
    ) -> sql.Composable:
        if operator == "exists":
            _check("boolean", operand, where)
            # An attribute that is null is not there.
            present = "{} IS NOT NULL" if operand else "{} IS NULL"
            value = sql.SQL("p.attributes ->> {}::text").format(self._bind(name))
            return sql.SQL(present).format(value)
        if operator in {"in", "not_in", "contains_any", "contains_all"}:
            _list("string" if kind == "strings" else kind, operand, where)
            if operator == "contains_all":
                return self._holds(name, operand)
            return self._holds_any(name, operand, kind, negated=operator == "not_in")
        if operator == "contains":
            return self._holds(name, [_check("string", operand, where)])
        _check(kind, operand, where)
        if operator in {"eq", "ne"}:
            holds = self._holds(name, operand)
            return holds if operator == "eq" else sql.SQL("NOT {}").format(holds)
        path = f"$.{_json(name)} {_COMPARISONS[operator]} {_json(operand)}"
        return sql.SQL("COALESCE(p.attributes @@ {}::jsonpath, false)").format(self._bind(path))

    def _holds(self, name: str, value: Any) -> sql.Composable:
        """The attribute is this value; a list, has all of it."""
        return sql.SQL("(p.attributes @> {}::jsonb)").format(self._bind(_json({name: value})))

    def _holds_any(
        self, name: str, values: Sequence[Any], kind: str, *, negated: bool
    ) -> sql.Composable:
        self._looked_up += len(values)
        if self._looked_up <= _MAX_LOOKED_UP:
            wrapped = [[value] for value in values] if kind == "strings" else values
            documents = self._bind([_json({name: value}) for value in wrapped])
            holds: sql.Composable = sql.SQL("(p.attributes @> ANY({}::jsonb[]))").format(documents)
        else:
            holds = self._is_any(name, values, kind)
        return sql.SQL("NOT {}").format(holds) if negated else holds

    def _is_any(self, name: str, values: Sequence[Any], kind: str) -> sql.Composable:
        """The same without an index, but of each product the attribute is read once: the values
        are hashed, and texts of a list found without unpacking it."""
        form = "COALESCE(p.attributes -> {}::text = ANY({}::jsonb[]), false)"
        if kind == "strings":
            form = "COALESCE(p.attributes -> {}::text ?| {}::text[], false)"
        given = values if kind == "strings" else [_json(value) for value in values]
        return sql.SQL(form).format(self._bind(name), self._bind(list(given)))

    def _bind(self, value: Any) -> sql.Composable:
        name = f"{self._prefix}_{next(self._numbers)}"
        self.parameters[name] = value
        return sql.Placeholder(name)


def _operators(kind: str, value: Any, where: str) -> dict[str, Any]:
    """The operators of a condition; a bare value means equal, a bare list any of."""
    if not isinstance(value, dict):
        if kind == "strings":
            return {"contains_any" if isinstance(value, list) else "contains": value}
        return {"in" if isinstance(value, list) else "eq": value}
    if not value:
        raise FilterError(where, "An empty condition; give a value or an operator.")
    for operator in value:
        if operator not in _OPERATORS[kind]:
            allowed = ", ".join(sorted(_OPERATORS[kind]))
            unknown = f"Unknown operator {_shown(operator)!r}; here: {allowed}."
            raise FilterError(where, unknown)
    return value


def _list(kind: str, operand: Any, where: str) -> list[Any]:
    if not isinstance(operand, list) or not operand:
        raise FilterError(where, "Takes a list of at least one value.")
    return [_check(kind, value, f"{where}[{i}]") for i, value in enumerate(operand)]


def _check(kind: str, value: Any, where: str) -> Any:
    """The value as SQL wants it; numbers as Decimal, so that the index on a price serves."""
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(str(value))
        if number.is_finite():
            return number
    if kind in {"string", "path"} and isinstance(value, str) and "\x00" not in value:
        return value
    if kind == "time" and isinstance(value, str):
        return _time(value, where)
    expected = {"path": "a string", "time": "an ISO 8601 time"}.get(kind, f"a {kind}")
    raise FilterError(where, f"Takes {expected}, not {_json(value)[:_SHOWN_CHARACTERS]}.")


def _time(value: str, where: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
        # In UTC: PostgreSQL takes no offset of 16 hours or more.
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except ValueError as exc:
        raise FilterError(where, f"{value[:_SHOWN_CHARACTERS]!r} is not an ISO 8601 time.") from exc
    except OverflowError as exc:
        raise FilterError(where, f"{value!r} is outside the years 1 to 9999.") from exc


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _join(word: str, parts: Any) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(word).join(parts))
