"""Rules of a list out of the document of a request, checked against the catalog's fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from recommender import durations
from recommender.engine import formula
from recommender.engine.formula import Formula, FormulaError
from recommender.engine.rule_columns import Column, ListRules, Reads
from recommender.engine.rules import Decay, Rotation, Rules
from recommender.retrieval import places, product_fields
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import Filter, FilterError, FilterFieldError, unknown_field
from recommender.retrieval.product_fields import (
    FIELDS,
    GEO,
    NUMBER,
    PATH,
    STRING,
    TIME,
    Binder,
    Field,
)

Document = Mapping[str, Any]

_GROUPING = (STRING, PATH, NUMBER, "boolean")
_AGE = sql.SQL("(extract(epoch FROM {now}::timestamptz - {value}) / 86400)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What rules are checked against."""

    attributes: Mapping[str, str]  # those that may be named, and their types
    asked: FilterContext  # whose clock is read where a rule needs it
    # Compiles a filter that is a part of a rule; raises FilterError.
    parse_filter: Callable[[Any, str], Filter]


def parse(document: Document, context: RuleContext) -> ListRules | None:
    """The rules; None where there are none.

    Args:
        document: members of a request, each of the type that its schema says.

    Raises:
        FilterError: for a filter, a field, a span or a formula that cannot be used.
    """
    parser = RuleParser(context)
    boosts = list(enumerate(document.get("boost", [])))
    factors = [(place, one) for place, one in boosts if "when" in one]
    decays = [parser.decay(one, f"boost[{place}]") for place, one in boosts if "decay" in one]
    formulas = [
        parser.formula(one["formula"], f"boost[{place}].formula")
        for place, one in boosts
        if "formula" in one
    ]
    diversity, alike = parser.diversity(document.get("diversity", 0))
    promote, rotation = document.get("promote"), document.get("rotation")
    caps = document.get("max_per", {})
    rules = Rules(
        boosts=tuple(one["times"] for _, one in factors),
        decays=tuple(decay for decay, _ in decays),
        formulas=tuple(formulas),
        promotion=promote["share"] if promote else 0.0,
        caps=tuple(caps.values()),
        diversity=diversity,
        rotation=_rotation(rotation) if rotation else None,
        exploration=document.get("exploration", 0),
        min_relevance=document.get("min_relevance", 0),
    )
    if rules == Rules():
        return None
    names = dict.fromkeys(name for formula in formulas for name in formula.names)
    reads = Reads(
        boosted=tuple(
            context.parse_filter(one["when"], f"boost[{place}].when") for place, one in factors
        ),
        distances=tuple(column for _, column in decays),
        numbers=tuple(map(parser.number, names)),
        promoted=context.parse_filter(promote["filter"], "promote.filter") if promote else None,
        groups=tuple(parser.group(name, f"max_per.{name}") for name in caps),
        alike=alike,
    )
    return ListRules(rules, reads)


def _rotation(document: Document) -> Rotation:
    return Rotation(document["rate"], _seconds(document["recover"], "rotation.recover"))


def _seconds(text: str, where: str) -> float:
    try:
        return durations.seconds(text)
    except ValueError as exc:
        raise FilterError(where, str(exc)) from exc


class RuleParser:
    """Reads rules one by one; the parameters of their SQL begin with `prefix`."""

    def __init__(self, context: RuleContext, prefix: str = "rule") -> None:
        self._context = context
        self._prefix = prefix
        self._number = 0

    def diversity(self, document: float | Document) -> tuple[float, tuple[Column, ...]]:
        """How much it counts, and by which columns products are alike."""
        if not isinstance(document, Mapping):
            return document, ()
        names = enumerate(document.get("by", ()))
        columns = [self.group(name, f"diversity.by[{place}]") for place, name in names]
        return document["weight"], tuple(columns)

    def group(self, name: str, where: str) -> Column:
        """A value whose equals are a group."""
        found = self._field(name, where)
        if found.kind not in _GROUPING:
            raise FilterError(where, f"{name!r} is a {found.kind}, which makes no groups.")
        bound = self._bound()
        value = found.value(bound)
        return Column(name, sql.SQL("NULLIF({}::text, '')").format(value), bound.parameters)

    def decay(self, document: Document, where: str) -> tuple[Decay, Column]:
        """The decay, and the distance that it goes by."""
        name = document["decay"]
        found = self._field(name, f"{where}.decay")
        bound = self._bound()
        read: Callable[[Any, str], float]
        if found.kind == TIME:
            read, distance = _seconds, self._since(document, found, bound, where)
        elif found.kind == NUMBER:
            read, distance = _number, self._between(document, found, bound, where)
        elif found.kind == GEO:
            read, distance = _metres, self._away(document, found, bound, where)
        else:
            message = f"{name!r} is a {found.kind}; relevance falls with a time, number or place."
            raise FilterError(f"{where}.decay", message)
        offset = document.get("offset")
        decay = Decay(
            half_life=read(document["half_life"], f"{where}.half_life"),
            offset=0.0 if offset is None else read(offset, f"{where}.offset"),
            shape=document.get("shape", "exp"),
            weight=document.get("weight", 1.0),
        )
        return decay, Column(name, distance, bound.parameters)

    def _since(self, document: Document, found: Field, bound: Binder, where: str) -> sql.Composable:
        """Seconds from a time, by default now."""
        origin = document.get("origin")
        try:
            at = self._context.asked.now if origin is None else datetime.fromisoformat(str(origin))
        except ValueError as exc:
            raise FilterError(f"{where}.origin", "Takes an ISO 8601 time.") from exc
        return sql.SQL("extract(epoch FROM {} - {}::timestamptz)").format(
            found.value(bound), bound(at)
        )

    @staticmethod
    def _between(document: Document, found: Field, bound: Binder, where: str) -> sql.Composable:
        origin = document.get("origin")
        if isinstance(origin, bool) or not isinstance(origin, int | float):
            raise FilterError(f"{where}.origin", "Takes the number to be near to.")
        return sql.SQL("{}::float8 - {}::float8").format(found.value(bound), bound(origin))

    @staticmethod
    def _away(document: Document, found: Field, bound: Binder, where: str) -> sql.Composable:
        origin = places.place(document.get("origin"))
        if origin is None:
            message = 'Takes the place to be near to: {"lat": 52.5, "lon": 13.4}.'
            raise FilterError(f"{where}.origin", message)
        return places.distance(found.name, origin, bound)

    def formula(self, text: str, where: str) -> Formula:
        """The formula, all of whose names are numbers of a product."""
        attributes = self._context.attributes
        numbers = {name for name, kind in attributes.items() if kind == NUMBER}
        numbers |= {name for name, (kind, _) in FIELDS.items() if kind == NUMBER}
        try:
            return formula.check(text, numbers | {formula.AGE_DAYS})
        except FormulaError as exc:
            raise FilterError(where, str(exc)) from exc

    def number(self, name: str) -> Column:
        """A field that a formula reads."""
        bound = self._bound()
        if name == formula.AGE_DAYS and name not in self._context.attributes:
            released = sql.SQL("COALESCE(p.released_at, p.created_at)")
            value: sql.Composable = _AGE.format(now=bound(self._context.asked.now), value=released)
        else:
            value = self._field(name, name).value(bound)
        return Column(name, value, bound.parameters)

    def _field(self, name: str, where: str) -> Field:
        found = product_fields.find(name, self._context.attributes)
        if found is None:
            attributes = self._context.attributes
            raise FilterFieldError(where, unknown_field(name, FIELDS, attributes))
        return found

    def _bound(self) -> Binder:
        self._number += 1
        return Binder(f"{self._prefix}_{self._number}")


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise FilterError(where, "Takes a number above 0.")
    return float(value)


def _metres(value: Any, where: str) -> float:
    try:
        return places.metres(value)
    except ValueError as exc:
        raise FilterError(where, str(exc)) from exc
