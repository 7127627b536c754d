"""From what a request for a list says to the engine's query."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.http import HttpRequest
from ninja import Schema
from pydantic import ValidationError

from recommender import durations
from recommender.api import codec, problems
from recommender.api.auth import Caller, check_field
from recommender.api.control_requests import ControlRequest, PlacementRequest
from recommender.api.list_requests import ListRequest, RecommendationRequest
from recommender.api.problems import Problem
from recommender.api.related_requests import blend_of
from recommender.api.schemas import Strict
from recommender.engine import rule_parsing
from recommender.engine.answer import (
    FIRST_PAGE,
    IN_CART,
    Continuation,
    EventExclusion,
    Query,
    UnknownFieldError,
    check_fields,
)
from recommender.engine.rule_columns import ListRules
from recommender.engine.rule_parsing import RuleContext
from recommender.retrieval import filters
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import Filter, FilterError, FilterFieldError

Request = TypeVar("Request", bound=Strict)
Checked = TypeVar("Checked")

# Query parameters that are JSON, and those that are several words.
_JSON = {"filter", "boost", "promote", "max_per", "rotation", "diversity"}
_NAMES = {"fields", "exclude_ids", "facets", "sort"}
_CONTROL = ControlRequest.model_fields.keys() - PlacementRequest.model_fields - {"exclude_ids"}


def from_query(request: HttpRequest, given: Schema, schema: type[Request]) -> Request:
    """The request that query parameters make, of which all are known.

    Raises:
        Problem: 400 for an unknown parameter or a value that is not right.
    """
    codec.check_known(request, type(given).model_fields)
    return from_parameters(given, schema)


def from_parameters(given: Schema, schema: type[Request]) -> Request:
    """The request that query parameters make.

    Raises:
        Problem: 400 for a value that is not right.
    """
    document = given.model_dump(exclude_unset=True, exclude_none=True)
    for name in _JSON & document.keys():
        text = document.pop(name)
        if text.strip():
            document[name] = codec.decode(text.encode(), name)
    for name in _NAMES & document.keys():
        text = document.pop(name)
        if text:
            document[name] = text.split(",")
    if text := document.pop("scenario_version", ""):
        document["scenario_version"] = int(text) if text.isdecimal() else text
    if text := document.pop("blend", ""):
        document["blend"] = blend_of(text)
    if "exclude" in document:
        names = document["exclude"].split(",")
        document["exclude"] = [name for name in names if name not in ("", "none")]
    try:
        return schema.model_validate(document)
    except ValidationError as exc:
        errors = [{**error, "loc": ("query", *error["loc"])} for error in exc.errors()]
        raise problems.invalid(errors) from exc


def query_of(
    caller: Caller,
    ask: ListRequest,
    after: Continuation = FIRST_PAGE,
    *,
    product: str | None = None,
    as_of: datetime | None = None,
) -> Query:
    """The engine's query.

    Args:
        after: what the list goes on from.
        product: the one that is asked about, with which a filter may compare others.
        as_of: the time that spans of time end at; None for now.

    Raises:
        Problem: 400 for a filter or a field that cannot be used.
    """
    context = FilterContext(caller.catalog, product, as_of)
    for name in ask.fields:
        check_field(caller, name, "fields")
    try:
        return with_attributes(caller, lambda known: _checked(ask, known, after, context))
    except FilterError as exc:
        message = told(caller, exc) if isinstance(exc, FilterFieldError) else str(exc)
        errors = [{"where": exc.where, "message": message}]
        raise Problem(400, "invalid-filter", message, errors=errors) from exc
    except UnknownFieldError as exc:
        message = told(caller, exc)
        errors = [{"where": "fields", "message": message}]
        raise Problem(400, "unknown-field", message, errors=errors) from exc


def ranked_query(
    caller: Caller, ask: RecommendationRequest, after: Continuation, product: str | None = None
) -> Query:
    """The engine's query; raises as `query_of`."""
    query = query_of(caller, ask, after, product=product, as_of=ask.as_of)
    names = {one for one in ask.exclude if isinstance(one, str)}
    events = [one for one in ask.exclude if not isinstance(one, str)]
    return replace(
        query,
        exclude=frozenset(names - {IN_CART}),
        excludes_cart=IN_CART in names,
        event_exclusions=tuple(
            EventExclusion(one.event, None if one.within is None else durations.seconds(one.within))
            for one in events
        ),
        before=ask.as_of,
        repeats=ask.repeats,
    )


def rule_context(caller: Caller, context: FilterContext) -> RuleContext:
    """What a merchandiser's rules are checked against: all attributes, whoever's list it is."""
    attributes: Mapping[str, str] = caller.catalog.attributes
    return RuleContext(
        attributes=attributes,
        asked=context,
        parse_filter=lambda document, name: filters.parse(document, attributes, context, name),
    )


def filters_of(
    caller: Caller,
    documents: Mapping[str, Mapping[str, Any]],
    *,
    product: str | None,
    as_of: datetime | None,
) -> dict[str, Filter]:
    """Parts of a filter that was checked, by their names; all may be in one statement."""
    context = FilterContext(caller.catalog, product, as_of)
    return {
        name: filters.parse(document, caller.attributes, context, f"part_{place}")
        for place, (name, document) in enumerate(documents.items())
    }


def with_attributes(caller: Caller, check: Callable[[Mapping[str, str]], Checked]) -> Checked:
    """Check against the remembered attributes, and where that fails against today's.

    Raises:
        FilterError, UnknownFieldError: what the check raises of today's.
    """
    try:
        return check(caller.attributes)
    except (FilterError, UnknownFieldError):
        caller.catalog.refresh_from_db(fields=["attributes", "public_attributes"])
        return check(caller.attributes)


def told(caller: Caller, error: Exception) -> str:
    """What to say of an unknown field; a browser key is not told whether it is there."""
    if not caller.is_public:
        return str(error)
    return (
        f"{error} A browser key knows only the attributes that the catalog makes public: "
        f"./kinship create_catalog {caller.catalog.name} --update --public-attributes NAME,NAME"
    )


def _checked(
    ask: ListRequest, attributes: Mapping[str, str], after: Continuation, context: FilterContext
) -> Query:
    def parse_filter(document: Any, name: str) -> Filter:
        return filters.parse(document, attributes, context, name)

    narrowed = None if ask.filter is None else parse_filter(ask.filter, "filter")
    if ask.exclude_ids:
        others = {"not": {"id": {"in": ask.exclude_ids}}}
        narrowed = parse_filter(others, "exclude_ids") & narrowed
    if within := ask.within():
        document = {k: {"under": v} if k == "category" else v for k, v in within.items()}
        narrowed = parse_filter(document, "segment") & narrowed
    rules = None
    if _CONTROL & ask.model_fields_set:
        said = ask.model_dump(include=_CONTROL, exclude_none=True)
        known = RuleContext(attributes=attributes, asked=context, parse_filter=parse_filter)
        rules = rule_parsing.parse(said, known)
    if ask.placing is not None:
        of_placement = ask.placing
        if of_placement.filter is not None:
            narrowed = of_placement.filter & narrowed
        rules = (rules or ListRules()) & of_placement.rules if of_placement.rules else rules
    return Query(
        count=ask.count,
        has_consent=ask.consent,
        filter=narrowed,
        fields=check_fields(ask.fields, attributes),
        exclude=frozenset(),
        named=ask.explain,
        after=after,
        rules=rules,
    )
