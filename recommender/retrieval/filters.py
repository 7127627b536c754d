"""Typed JSON filters over a product's fields, compiled to SQL.

    {"all": [{"in_stock": true}, {"price": {"lte": 200}}, {"category": {"under": "Home"}}]}

`all`, `any` and `not` combine; a field is given a value, a list of values, or operators.
An unknown field is an error, never ignored. A product without a value fails every comparison
but `ne` and `not_in`, which are the opposites of `eq` and `in`. An operand may be relative to the
product that is asked about; where that has no such value, the same holds.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any

import orjson
from psycopg import sql

from recommender.retrieval import product_fields, relative
from recommender.retrieval.conditions import OPPOSITES, Conditions, operators_of
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.operands import SHOWN_CHARACTERS, OperandError
from recommender.retrieval.product_fields import FIELDS, STRINGS, Field

_MAX_DEPTH, _MAX_CONDITIONS = 8, 100
_MAX_VALUES = 1000  # of all conditions: each may be compared with each product
_SHOWN_NAMES, _MAX_COMPARED = 5, 1000

# As `degraded`: the product that is asked about has not what a condition compares with.
NO_VALUE = "product_without_value"


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

    condition: sql.SQL  # rendered: it is composed into several statements a request
    parameters: Mapping[str, Any]
    key: str  # equal for equal filters, and short whatever they hold
    # By place in the document, why a condition compares with nothing.
    degraded: Mapping[str, str] = field(default_factory=dict)

    def __and__(self, other: "Filter | None") -> "Filter":
        """What passes both, which were parsed with names of their own."""
        if other is None:
            return self
        return Filter(
            rendered(sql.SQL("{} AND {}").format(self.condition, other.condition)),
            {**self.parameters, **other.parameters},
            self.key + other.key,
            {**self.degraded, **other.degraded},
        )


def parse(
    document: Any,
    attributes: Mapping[str, str],
    context: FilterContext | None = None,
    name: str = "filter",
) -> Filter:
    """Compile a filter document.

    Args:
        document: decoded JSON.
        attributes: the attributes that may be named, and their types.
        context: what words, spans of time and values of the product asked about need.
        name: of the filter in the request; filters of one statement have different ones.

    Raises:
        FilterError: for an unknown field or operator, a wrong type, too much or too deep.
    """
    parser = _Parser(attributes, context, name)
    condition = parser.group(document, name, 0)
    said = [document, parser.resolved]
    if context is not None and parser.conditions.depends_on_now:
        said.append(context.now.isoformat())
    text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    key = hashlib.blake2b(text, digest_size=16).hexdigest()
    return Filter(rendered(condition), parser.conditions.parameters, key, parser.missing)


def rendered(composed: sql.Composable) -> sql.SQL:
    """The same as one text."""
    return sql.SQL(composed.as_string(None))


def unknown_field(name: str, fields: Collection[str], attributes: Collection[str]) -> str:
    """What to say of a field that there is not: what may be meant, and some of those there are."""
    # To compare it with each of very many would take seconds.
    alike = islice((other for other in attributes if other[:1] == name[:1]), _MAX_COMPARED)
    near = get_close_matches(name[:SHOWN_CHARACTERS], [*fields, *alike], _SHOWN_NAMES)
    meant = f" Did you mean {' or '.join(map(_shown, near))}?" if near else ""
    known = ", ".join([*fields, *map(_shown, sorted(attributes)[:_SHOWN_NAMES])])
    more = len(attributes) - _SHOWN_NAMES
    others = f" and {more:,} more attributes." if more > 0 else "."
    return f"Unknown field {_shown(name)!r}.{meant} Known fields: {known}{others}"


def _shown(name: str) -> str:
    return name if len(name) <= SHOWN_CHARACTERS else f"{name[:SHOWN_CHARACTERS]}…"


class _Parser:
    def __init__(
        self, attributes: Mapping[str, str], context: FilterContext | None, name: str
    ) -> None:
        self._attributes = attributes
        self._context = context
        self._number = self._values = 0
        self.conditions = Conditions(context, name)
        self.resolved: list[Any] = []  # what stands for each relative operand
        self.missing: dict[str, str] = {}

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
        return self._field(self._found(name, where), value, where)

    def _found(self, name: str, where: str) -> Field:
        found = product_fields.find(name, self._attributes)
        if found is None:
            raise FilterFieldError(where, unknown_field(name, FIELDS, self._attributes))
        return found

    def _field(self, field: Field, value: Any, where: str) -> sql.Composable:
        operators = _operators(field, value, where)
        self._number += len(operators)
        if self._number > _MAX_CONDITIONS:
            raise FilterError(where, f"A filter has at most {_MAX_CONDITIONS} conditions.")
        conditions = [
            self._condition(field, operator, operand, f"{where}.{operator}")
            for operator, operand in operators.items()
        ]
        return _join(" AND ", conditions)

    def _condition(self, field: Field, operator: str, operand: Any, where: str) -> sql.Composable:
        try:
            if relative.is_relative(operator, operand):
                operand = self._resolved(field, operator, operand, where)
                if operand is None:
                    self.missing[where] = NO_VALUE
                    return sql.Literal(operator in OPPOSITES)
            self._count(operand, where)
            return self.conditions.compile(field, operator, operand)
        except OperandError as exc:
            raise FilterError(where + exc.place, str(exc)) from exc

    def _resolved(self, field: Field, operator: str, operand: Any, where: str) -> Any:
        name = operand["product"]
        if not isinstance(name, str):
            raise OperandError("Takes the name of a field.", ".product")
        source = self._found(name, f"{where}.product")
        if self._context is None:
            raise OperandError("There is no product to compare with here.")
        value = relative.resolve(operand, source, field, operator, self._context)
        self.resolved.append(value)
        return value

    def _count(self, operand: Any, where: str) -> None:
        self._values += len(operand) if isinstance(operand, list) else 1
        if self._values > _MAX_VALUES:
            raise FilterError(
                where,
                f"A filter has at most {_MAX_VALUES:,} values in all its conditions together. Give "
                "the products that are meant an attribute or a category, and filter by that.",
            )


def _operators(field: Field, value: Any, where: str) -> dict[str, Any]:
    """The operators of a condition; a bare value means equal, a bare list any of."""
    is_bare = not isinstance(value, dict) or "product" in value
    operators: dict[str, Any] = {_meant(field, value): value} if is_bare else value
    if not operators:
        raise FilterError(where, "An empty condition; give a value or an operator.")
    known = operators_of(field)
    for operator in operators:
        if operator not in known:
            allowed = ", ".join(sorted(known))
            unknown = f"Unknown operator {_shown(operator)!r}; here: {allowed}."
            raise FilterError(where, unknown)
    return operators


def _meant(field: Field, value: Any) -> str:
    """The operator of a bare value."""
    if field.kind == STRINGS:
        return "contains_any" if isinstance(value, list | dict) else "contains"
    return "in" if isinstance(value, list) else "eq"


def _join(word: str, parts: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(word).join(parts))
