"""Whether a placement's draft can serve, as the request of its list would be checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import sql
from pydantic import ValidationError

from recommender import database
from recommender.api import placing, problems, queries
from recommender.api.auth import BROWSER, Caller
from recommender.api.control_requests import PlacementRequest
from recommender.api.list_requests import ListRequest
from recommender.api.operations import OPERATIONS
from recommender.api.placement_requests import PlacementIn
from recommender.api.problems import Problem
from recommender.api.related_requests import RowsRequest
from recommender.engine import merchandised, merchandising
from recommender.engine.answer import Query
from recommender.engine.merchandising import Action, Conflict, MerchandiserRule
from recommender.engine.rule_parsing import RuleContext
from recommender.models import Catalog
from recommender.retrieval.filter_cache import VISIBLE
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import FilterError

_UNKNOWN_PRODUCT = "a product"

# A row for each pinned product that is there, then for each pair of a rule and one that it is of.
_AVAILABLE = sql.SQL("""
SELECT p.external_id, {visible} FROM recommender_product p
WHERE p.catalog_id = %(catalog)s AND p.external_id = ANY(%(pinned)s)
""").format(visible=VISIBLE)
_TARGETS = sql.SQL("""
SELECT p.external_id FROM recommender_product p
WHERE p.catalog_id = %(catalog)s AND p.external_id = ANY(%(pinned)s) AND COALESCE({passes}, false)
""")


@dataclass(frozen=True, slots=True)
class _List:
    """What a placement may be of."""

    name: str
    schema: type[PlacementRequest]
    product: str | None  # what stands for the product that it is asked of
    takes: frozenset[Action]

    def query(self, caller: Caller, defaults: Mapping[str, Any]) -> Query:
        """The query of a request that says nothing itself.

        Raises:
            ValidationError, Problem: for defaults that cannot be used.
        """
        members = placing.checked(self.name, self.schema, defaults)
        shared = {name: members[name] for name in members if name in ListRequest.model_fields}
        schema = self.schema if issubclass(self.schema, ListRequest) else ListRequest
        given = members if schema is self.schema else shared
        asked = schema.model_construct(_fields_set=set(given), **given)
        return queries.query_of(caller, asked, product=self.product)


_LISTS: Mapping[str, _List] = {
    one.name: _List(
        one.name,
        one.schema,
        _UNKNOWN_PRODUCT if one.subject == "product" else None,
        frozenset(Action),
    )
    for one in OPERATIONS.values()
} | {
    placing.ROWS: _List(placing.ROWS, RowsRequest, None, frozenset({Action.HIDE, Action.ONLY_FROM}))
}


def check(caller: Caller, ask: PlacementIn) -> None:
    """See that the defaults make a request of the list, and that the rules can act on it.

    Raises:
        Problem: 400, saying where.
    """
    of = _LISTS.get(ask.operation)
    if of is None:
        raise _wrong("operation", f"is none of {', '.join(sorted(_LISTS))}")
    for name in ask.defaults:
        if name in placing.OF_A_REQUEST:
            raise _wrong(f"defaults.{name}", "is what each request says for itself")
    try:
        of.query(caller, ask.defaults)
    except ValidationError as exc:
        faults = [{**one, "loc": ("body", "defaults", *one["loc"])} for one in exc.errors()]
        told = problems.invalid(faults)
        raise Problem(400, "invalid-placement", told.detail, errors=told.errors) from exc
    except Problem as exc:
        places = [{**one, "where": f"body.defaults.{one['where']}"} for one in exc.errors]
        raise Problem(exc.status, exc.kind, exc.detail, errors=places) from exc
    if ask.fallback is not None and of.name == placing.ROWS:
        raise _wrong("fallback", "rows are left out where they are short, and filled up by none")
    _check_rules(caller, ask, of)


def _check_rules(caller: Caller, ask: PlacementIn, of: _List) -> None:
    known = queries.rule_context(caller, FilterContext(caller.catalog, of.product))
    ids: set[str] = set()
    for place, (given, rule) in enumerate(zip(ask.rules, ask.document()["rules"], strict=True)):
        where = f"rules.{place}"
        for fault in given.faults():
            raise _wrong(where, fault)
        if given.action not in of.takes:
            raise _wrong(f"{where}.action", f"of {of.name} is one of {', '.join(sorted(of.takes))}")
        read = merchandising.rule_of(rule)
        if read.id in ids:
            raise _wrong(f"{where}.id", f"two rules have the id {read.id!r}")
        ids.add(read.id)
        if read.words and ask.operation != "search":
            raise _wrong(f"{where}.words", "only searches have words")
        try:
            merchandised.check(read, known, where)
        except FilterError as exc:
            raise _wrong(exc.where, str(exc)) from exc


def _wrong(where: str, message: str) -> Problem:
    errors = [{"where": f"body.{where}", "message": message}]
    return Problem(400, "invalid-placement", f"body.{where}: {message}", errors=errors)


def warnings(caller: Caller, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What to see to before a draft is published."""
    rules = list(map(merchandising.rule_of, document["rules"]))
    context = FilterContext(caller.catalog)
    known = queries.rule_context(caller, context)
    pinned = [rule.product for rule in rules if rule.action is Action.PIN]
    found = merchandising.conflicts(
        rules,
        _targets(caller.catalog, rules, pinned, known),
        _available(caller.catalog, pinned),
        context.now,
    )
    return [asdict(one) for one in (*found, *_beyond(document, rules), *_private(caller, document))]


def _available(catalog: Catalog, pinned: Sequence[str]) -> set[str]:
    if not pinned:
        return set()
    given = {"catalog": catalog.pk, "pinned": list(pinned)}
    return {name for name, is_there in database.fetch(_AVAILABLE, given) if is_there}


def _targets(
    catalog: Catalog, rules: Sequence[MerchandiserRule], pinned: Sequence[str], known: RuleContext
) -> dict[str, set[str]]:
    """By id of a rule that hides or leaves out, the pinned products that its filter is of."""
    targets: dict[str, set[str]] = {}
    for rule in rules if pinned else ():
        if rule.action not in (Action.HIDE, Action.ONLY_FROM):
            continue
        try:
            passes = known.parse_filter(rule.target(), "filter")
        except FilterError:
            continue  # which an answer tells: the field was taken away since
        statement = _TARGETS.format(passes=passes.condition)
        given = {**passes.parameters, "catalog": catalog.pk, "pinned": list(pinned)}
        targets[rule.id] = {name for (name,) in database.fetch(statement, given)}
    return targets


def _beyond(document: Mapping[str, Any], rules: Sequence[MerchandiserRule]) -> Iterator[Conflict]:
    count = document["defaults"].get("count", 12)
    for rule in rules:
        if rule.action is Action.PIN and rule.place > count:
            message = f"“{rule.name}” pins place {rule.place} of a list of {count} products."
            yield Conflict("pin_beyond", (rule.id,), message)


def _private(caller: Caller, document: Mapping[str, Any]) -> Iterator[Conflict]:
    """Whether browser keys may name the placement, whose defaults they must be able to read."""
    of = _LISTS.get(document["operation"])
    if of is None:
        return
    try:
        of.query(Caller(caller.catalog, BROWSER), document["defaults"])
    except (ValidationError, Problem) as exc:
        yield Conflict("not_for_browsers", (), f"Browser keys cannot name this placement: {exc}")
