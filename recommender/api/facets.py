"""Facets and the order of a search: what is asked, checked, and what is answered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field as Member

from recommender.api.auth import Caller, check_field
from recommender.api.list_requests import FacetIn
from recommender.api.problems import Problem
from recommender.api.queries import told, with_attributes
from recommender.engine.answer import UnknownFieldError
from recommender.retrieval import product_fields
from recommender.retrieval.facets import FacetAsked, Facets
from recommender.retrieval.filters import unknown_field
from recommender.retrieval.matches import SortKey
from recommender.retrieval.product_fields import (
    BOOLEAN,
    FIELDS,
    NUMBER,
    PATH,
    STRING,
    STRINGS,
    TIME,
    Field,
)

_COUNTED = {STRING, STRINGS, PATH, NUMBER, BOOLEAN}
_SORTED = {STRING, PATH, NUMBER, BOOLEAN, TIME}


class BucketOut(Schema):
    """A value, or a range of numbers, and how many products have it."""

    count: int
    value: Annotated[
        str | bool | None, Member(description="Of a category its path, with all below it.")
    ]
    lower: Annotated[float | None, Member(description="The least number; null: no least.")]
    upper: Annotated[float | None, Member(description="What all are below; null: nothing.")]


class FacetOut(Schema):
    """How many products have each value of a field."""

    field: str
    buckets: list[BucketOut]
    missing: Annotated[int, Member(description="Products without a value.")]
    has_more: Annotated[bool, Member(description="Whether there are more values than these.")]


class FacetsOut(Schema):
    """The facets, and how many products they count."""

    products: int
    complete: Annotated[
        bool, Member(description="Whether these are all, and not the first 20,000.")
    ]
    fields: list[FacetOut]


def document(facets: Facets) -> dict[str, Any]:
    """The facets as JSON has them."""
    return {
        "products": facets.products,
        "complete": facets.is_complete,
        "fields": [_facet(asdict(facet)) for facet in facets.facets],
    }


def _facet(facet: Mapping[str, Any]) -> dict[str, Any]:
    return {"field": facet["name"], **{k: v for k, v in facet.items() if k != "name"}}


def asked(caller: Caller, given: Sequence[str | FacetIn]) -> tuple[FacetAsked, ...]:
    """The facets that are asked for.

    Raises:
        Problem: 400 for a field that there is not, or one that cannot be counted.
    """
    return tuple(_asked(caller, one, f"facets.{place}") for place, one in enumerate(given))


def _asked(caller: Caller, given: str | FacetIn, where: str) -> FacetAsked:
    check_field(caller, given if isinstance(given, str) else given.field, where)
    if isinstance(given, str):
        return FacetAsked(given, _found(caller, given, _COUNTED, where))
    kinds = {NUMBER} if given.ranges else _COUNTED
    return FacetAsked(given.field, _found(caller, given.field, kinds, where), tuple(given.ranges))


def sort_keys(caller: Caller, names: Sequence[str]) -> tuple[SortKey, ...]:
    """The order that is asked for; a name after a minus is descending.

    Raises:
        Problem: 400 for a field that there is not, or one without an order.
    """
    return tuple(
        SortKey(
            _found(caller, name.removeprefix("-"), _SORTED, f"sort.{place}"),
            descending=name.startswith("-"),
        )
        for place, name in enumerate(names)
    )


def _found(caller: Caller, name: str, kinds: Collection[str], where: str) -> Field:
    def find(attributes: Mapping[str, str]) -> Field:
        field = product_fields.find(name, attributes)
        if field is None:
            raise UnknownFieldError(unknown_field(name, FIELDS, attributes))
        return field

    try:
        field = with_attributes(caller, find)
    except UnknownFieldError as exc:
        raise _refused("unknown-field", told(caller, exc), where) from exc
    if field.kind not in kinds:
        allowed = ", ".join(sorted(kinds))
        message = f"{name!r} is of type {field.kind}; here a field is of type {allowed}."
        raise _refused("invalid-field", message, where)
    return field


def _refused(kind: str, message: str, where: str) -> Problem:
    errors = [{"where": where, "message": message}]
    return Problem(400, kind, message, errors=errors)
