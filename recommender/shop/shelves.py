"""What a catalog's shop can be gone through by: its categories, and the facets of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached

from recommender.models import Catalog
from recommender.retrieval import facets, filters, matches
from recommender.retrieval.facets import Bucket, Facet, FacetAsked
from recommender.retrieval.product_fields import FIELDS, Field

# Of all pages: a new category may take so long to be in the menu.
_REMEMBERED_SECONDS = 60
_MOST_TOP = 24

_remembered: TTLCache[int, tuple[str, ...]] = TTLCache(1_000, _REMEMBERED_SECONDS)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to narrow a list by: what its address says, what a person reads, how many."""

    value: str
    label: str
    count: int
    is_chosen: bool


@cached(_remembered, key=attrgetter("pk"), lock=Lock())
def top(catalog: Catalog) -> tuple[str, ...]:
    """The categories at the top; of more than 20,000 products, of the first so many."""
    (found,) = facets.count(matches.passing(catalog, None), [_asked("category")]).facets
    paths = [str(bucket.value) for bucket in found.buckets]
    return tuple(sorted(path for path in paths if "/" not in path)[:_MOST_TOP])


def facets_of(catalog: Catalog, category: str) -> Mapping[str, Facet]:
    """The facets of what is below a category, by field: `category`, `brand` and `price`."""
    passes = filters.parse({"category": {"under": category}}, {})
    counted = facets.count(
        matches.passing(catalog, passes), [_asked(name) for name in ("category", "brand", "price")]
    )
    return {facet.name: facet for facet in counted.facets}


def children(facet: Facet, category: str) -> list[str]:
    """The categories right below one."""
    depth = category.count("/") + 1
    return [
        str(bucket.value)
        for bucket in facet.buckets
        if str(bucket.value).startswith(f"{category}/") and str(bucket.value).count("/") == depth
    ]


def brands(buckets: Sequence[Mapping[str, Any]], chosen: str) -> list[Choice]:
    """The brands of a facet, as it is in an answer."""
    return [
        Choice(one["value"], one["value"], one["count"], one["value"] == chosen) for one in buckets
    ]


def prices(buckets: Sequence[Mapping[str, Any]], chosen: str) -> list[Choice]:
    """The ranges of prices of a facet, as it is in an answer; values are such as `10-25`."""
    choices = []
    for one in buckets:
        lower, upper = (_number(one[end]) for end in ("lower", "upper"))
        value = f"{lower}-{upper}"
        label = f"{lower or 0} to {upper}" if upper else f"{lower or 0} and more"
        choices.append(Choice(value, label, one["count"], value == chosen))
    return choices


def as_answered(bucket: Bucket) -> dict[str, Any]:
    """A bucket as answers of the API have it."""
    return {
        "value": bucket.value,
        "lower": bucket.lower,
        "upper": bucket.upper,
        "count": bucket.count,
    }


def narrowed(brand: str, price: str) -> dict[str, Any]:
    """The filter of what was chosen; what is no choice of ours narrows nothing."""
    narrow: dict[str, Any] = {"brand": brand} if brand else {}
    lower, _, upper = price.partition("-")
    ends = {"gte": _end(lower), "lt": _end(upper)}
    given = {name: end for name, end in ends.items() if end is not None}
    return narrow | ({"price": given} if given else {})


def _end(text: str) -> float | None:
    whole, _, part = text.partition(".")
    digits = whole + part
    is_plain = digits.isascii() and digits.isdecimal() and len(digits) < 12
    return float(text) if is_plain else None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


def _asked(name: str) -> FacetAsked:
    kind, column = FIELDS[name]
    return FacetAsked(name, Field(kind, column, is_attribute=False))
