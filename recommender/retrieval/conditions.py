"""The SQL of one condition of a filter: a field of product `p`, an operator, an operand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from psycopg import sql

from recommender.retrieval import operands, places
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.operands import OperandError, checked, checked_list
from recommender.retrieval.product_fields import (
    BOOLEAN,
    GEO,
    NUMBER,
    PATH,
    STRING,
    STRINGS,
    TEXT,
    TIME,
    Binder,
    Field,
)

_MAX_LOOKED_UP = 100  # in the index, or one by one in each product where that is not used
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "=", "ne": "IS DISTINCT FROM"}
_EQUAL, _ORDERED = {"eq", "ne", "in", "not_in"}, {"lt", "lte", "gt", "gte"}

# By type. `exists` is for all.
OPERATORS: Mapping[str, set[str]] = {
    STRING: {*_EQUAL, "prefix", "text", "exists"},
    TEXT: {"text", "exists"},
    PATH: {*_EQUAL, "under", "prefix", "text", "exists"},
    NUMBER: {*_EQUAL, *_ORDERED, "exists"},
    BOOLEAN: {*_EQUAL, "exists"},
    TIME: {*_EQUAL, *_ORDERED, "within", "older_than", "exists"},
    STRINGS: {"contains", "contains_any", "contains_all", "text", "exists"},
    GEO: {"near", "exists"},
}
LISTS = {"in", "not_in", "contains_any", "contains_all"}
# What passes a product without a value; the opposites of `eq` and `in`.
OPPOSITES = {"ne", "not_in"}

# The words of the lexemes' table find the products, and those of the field decide.
_HAS_WORDS = sql.SQL("""(p.id IN (
    SELECT d.product_id FROM recommender_searchdocument d
    JOIN recommender_product s ON s.id = d.product_id
    WHERE d.catalog_id = {catalog} AND d.lexemes @@ {query} AND {there} @@ {query}))""")
_WORDS = sql.SQL("plainto_tsquery({config}, {text})")
_CONFIG = sql.SQL("(SELECT config FROM kinship_languages WHERE catalog_id = {})")
# Title and description have a weight of their own among the lexemes; others are read anew.
_LEXEMES = {"title": "ts_filter(d.lexemes, '{a}')", "description": "ts_filter(d.lexemes, '{d}')"}
_TEXTS = {"brand": "s.brand", "category": "replace(s.category, '/', ' ')"}


def operators_of(field: Field) -> set[str]:
    """What a condition on a field may say; ids and currencies have no words."""
    is_code = not field.is_attribute and field.name in {"external_id", "currency"}
    return OPERATORS[field.kind] - ({"text"} if is_code else set())


class Conditions:
    """Compiles the conditions of one filter, and gathers their parameters."""

    def __init__(self, context: FilterContext | None, name: str) -> None:
        """`name`: of the filter; those of one statement have different ones."""
        self._context = context
        self._bind = Binder(name)
        self._looked_up = 0
        self.depends_on_now = False

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of all conditions so far, by name."""
        return self._bind.parameters

    def compile(self, field: Field, operator: str, operand: Any) -> sql.Composable:
        """The SQL of a condition.

        Raises:
            OperandError: the operand cannot be used.
        """
        if (own := _OWN.get(operator)) is not None:
            return own(self, field, operator, operand)
        if field.is_attribute and field.kind != TIME:
            return self._attribute(field.kind, field.name, operator, operand)
        return self._column(field, operator, operand)

    def _exists(self, field: Field, _: str, operand: Any) -> sql.Composable:
        wanted = checked(BOOLEAN, operand)
        if field.is_attribute:
            # An attribute that is null is not there.
            present = "{} IS NOT NULL" if wanted else "{} IS NULL"
            value = sql.SQL("p.attributes ->> {}::text").format(self._bind(field.name))
            return sql.SQL(present).format(value)
        # A text that was never given is empty; the others are NULL.
        present = "COALESCE({}::text, '') <> ''" if wanted else "COALESCE({}::text, '') = ''"
        return sql.SQL(present).format(field.value(self._bind))

    def _prefix(self, field: Field, _: str, operand: Any) -> sql.Composable:
        begins = self._bind(operands.some_text(operand))
        return sql.SQL("COALESCE({} ^@ {}, false)").format(field.value(self._bind), begins)

    def _near(self, field: Field, _: str, operand: Any) -> sql.Composable:
        return places.near(field.name, *operands.surroundings(operand), self._bind)

    def _column(self, field: Field, operator: str, operand: Any) -> sql.Composable:
        left = field.value(self._bind)
        if operator in {"in", "not_in"}:
            values = self._bind(checked_list(field.kind, operand))
            form = "{} = ANY({})" if operator == "in" else "({} = ANY({})) IS NOT TRUE"
            return sql.SQL(form).format(left, values)
        if operator == "under":
            is_list = isinstance(operand, list)
            paths = checked_list(PATH, operand) if is_list else [checked(PATH, operand)]
            return _join(" OR ", [self._under(left, path) for path in paths])
        comparison = sql.SQL(_COMPARISONS[operator])
        return sql.SQL("{} {} {}").format(
            left, comparison, self._bind(checked(field.kind, operand))
        )

    def _under(self, left: sql.Composable, path: str) -> sql.Composable:
        path = path.rstrip("/")
        if not path:
            raise OperandError("Name a category; for all of them, leave this out.")
        # A range and not LIKE: a plain index serves it with any parameter. "0" follows "/".
        return sql.SQL("({0} = {1} OR ({0} >= {2} AND {0} < {3}))").format(
            left, self._bind(path), self._bind(f"{path}/"), self._bind(f"{path}0")
        )

    def _window(self, field: Field, operator: str, operand: Any) -> sql.Composable:
        span = operands.span(operand)
        self.depends_on_now = True
        now = self._needed_context().now
        form = "{0} < {1}" if operator == "older_than" else "({0} >= {1} AND {0} <= {2})"
        try:
            begins = self._bind(now - span)
        except OverflowError as exc:
            raise OperandError("Reaches back beyond the year 1.") from exc
        return sql.SQL(form).format(field.value(self._bind), begins, self._bind(now))

    def _text(self, field: Field, _: str, operand: Any) -> sql.Composable:
        text = operands.some_text(operand)
        catalog = sql.Literal(self._needed_context().catalog.pk)
        config = _CONFIG.format(catalog)
        query = _WORDS.format(config=config, text=self._bind(text))
        if not field.is_attribute and field.name in _LEXEMES:
            there: sql.Composable = sql.SQL(_LEXEMES[field.name])
        else:
            there = sql.SQL("to_tsvector({}, {})").format(config, self._searched(field))
        return _HAS_WORDS.format(catalog=catalog, query=query, there=there)

    def _searched(self, field: Field) -> sql.Composable:
        """The text of a field of the product `s`."""
        if not field.is_attribute:
            return sql.SQL(_TEXTS[field.name])
        return sql.SQL("s.attributes ->> {}::text").format(self._bind(field.name))

    def _needed_context(self) -> FilterContext:
        if self._context is None:
            raise OperandError("Neither words nor spans of time can be asked for here.")
        return self._context

    def _attribute(self, kind: str, name: str, operator: str, operand: Any) -> sql.Composable:
        if operator in LISTS:
            checked_list(STRING if kind == STRINGS else kind, operand)
            if operator == "contains_all":
                return self._holds(name, operand)
            return self._holds_any(name, operand, kind, negated=operator == "not_in")
        if operator == "contains":
            return self._holds(name, [checked(STRING, operand)])
        checked(kind, operand)
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
            wrapped = [[value] for value in values] if kind == STRINGS else values
            documents = self._bind([_json({name: value}) for value in wrapped])
            holds: sql.Composable = sql.SQL("(p.attributes @> ANY({}::jsonb[]))").format(documents)
        else:
            holds = self._is_any(name, values, kind)
        return sql.SQL("NOT {}").format(holds) if negated else holds

    def _is_any(self, name: str, values: Sequence[Any], kind: str) -> sql.Composable:
        """The same without an index, but of each product the attribute is read once: the values
        are hashed, and texts of a list found without unpacking it."""
        form = "COALESCE(p.attributes -> {}::text = ANY({}::jsonb[]), false)"
        if kind == STRINGS:
            form = "COALESCE(p.attributes -> {}::text ?| {}::text[], false)"
        given = values if kind == STRINGS else [_json(value) for value in values]
        return sql.SQL(form).format(self._bind(name), self._bind(list(given)))


# What is no comparison of the field's value with one of its type.
_OWN: Mapping[str, Callable[[Conditions, Field, str, Any], sql.Composable]] = {
    "exists": Conditions._exists,
    "text": Conditions._text,
    "prefix": Conditions._prefix,
    "near": Conditions._near,
    "within": Conditions._window,
    "older_than": Conditions._window,
}


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _join(word: str, parts: Sequence[sql.Composable]) -> sql.Composable:
    return sql.SQL("({})").format(sql.SQL(word).join(parts))
