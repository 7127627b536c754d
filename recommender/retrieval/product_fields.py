"""The fields that products are filtered, counted and sorted by: their own and attributes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

TEXT, STRING, PATH, NUMBER = "text", "string", "path", "number"
BOOLEAN, TIME, STRINGS, GEO = "boolean", "time", "strings", "geo"

# The product's own fields: type and column.
FIELDS: Mapping[str, tuple[str, str]] = {
    "id": (STRING, "external_id"),
    "title": (STRING, "title"),
    "description": (TEXT, "description"),
    "brand": (STRING, "brand"),
    "category": (PATH, "category"),
    "currency": (STRING, "currency"),
    "price": (NUMBER, "price"),
    "in_stock": (BOOLEAN, "in_stock"),
    "released_at": (TIME, "released_at"),
    "created_at": (TIME, "created_at"),
}
_PREFIX = "attributes."

# An attribute's value; of another type than declared, as where two processes declared it at once,
# it is none. A time is stored as the text that was given.
_TYPED: Mapping[str, sql.SQL] = {
    STRING: sql.SQL("(p.attributes ->> {name}::text)"),
    NUMBER: sql.SQL(
        "CASE jsonb_typeof(p.attributes -> {name}::text) WHEN 'number' "
        "THEN (p.attributes ->> {name}::text)::numeric END"
    ),
    BOOLEAN: sql.SQL(
        "CASE jsonb_typeof(p.attributes -> {name}::text) WHEN 'boolean' "
        "THEN (p.attributes ->> {name}::text)::boolean END"
    ),
    TIME: sql.SQL(
        "CASE WHEN pg_input_is_valid(p.attributes ->> {name}::text, 'timestamptz') "
        "THEN (p.attributes ->> {name}::text)::timestamptz END"
    ),
}


@dataclass
class Binder:
    """Gathers parameters under names of their own, which begin alike."""

    prefix: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def __call__(self, value: object) -> sql.Placeholder:
        """The placeholder of one more parameter."""
        name = f"{self.prefix}_{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of products: one of their own, or an attribute."""

    kind: str
    name: str  # the attribute's, or the column's
    is_attribute: bool

    @property
    def is_textual(self) -> bool:
        """Whether its value is one text, which is empty where there is none."""
        return self.kind in {STRING, PATH, TEXT}

    def value(self, bind: Callable[[object], sql.Composable]) -> sql.Composable:
        """The SQL of the value that a product `p` has; NULL for none. Not of lists and places.

        Args:
            bind: gives the placeholder of a parameter.
        """
        if not self.is_attribute:
            return sql.SQL("p.{}").format(sql.Identifier(self.name))
        return sql.SQL("({})").format(_TYPED[self.kind].format(name=bind(self.name)))


def find(name: str, attributes: Mapping[str, str]) -> Field | None:
    """The field of this name; None where there is none.

    Args:
        attributes: the types of those that may be named.
    """
    if name in FIELDS:
        kind, column = FIELDS[name]
        return Field(kind, column, is_attribute=False)
    attribute = name.removeprefix(_PREFIX)
    if attribute in attributes:
        return Field(attributes[attribute], attribute, is_attribute=True)
    return None
