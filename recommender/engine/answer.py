"""What is asked of the engine and what it answers, with the product fields carried along."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg import sql

from recommender import database
from recommender.engine.candidates import Cause
from recommender.engine.rerank import Moved
from recommender.engine.rule_columns import ListRules
from recommender.engine.rules import Acted
from recommender.retrieval.filters import Filter, unknown_field

# Which of the user's own products an answer leaves out.
SEEN, PURCHASED, IN_CART = "seen", "purchased", "in_cart"

MAX_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a list goes on from; products are keys."""

    shown: tuple[int, ...] = ()  # by the pages before, and listed no more
    tail: tuple[int, ...] = ()  # what would have come next then, the best first


FIRST_PAGE = Continuation()


@dataclass(frozen=True, slots=True)
class EventExclusion:
    """Products that the user had an event of this type with."""

    type: str
    seconds: float | None = None  # how long ago at most; None for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked, checked."""

    count: int
    filter: Filter | None = None
    fields: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset({SEEN})
    before: datetime | None = None  # only history strictly before this time counts
    named: bool = False  # whether explanations name products by title
    anonymous_only: bool = False  # whether only users for whom nobody vouches get their own list
    has_consent: bool = True  # whether what is stored of the user may count
    after: Continuation = FIRST_PAGE
    rules: ListRules | None = None  # what the list is made by beside relevance
    # Of the user's own products these are left out, too.
    event_exclusions: tuple[EventExclusion, ...] = ()
    excludes_cart: bool = False
    counts_others: bool = True  # whether the reason of a short list counts those that are not in it
    repeats: bool = False  # whether what the user buys again may be listed when it is due

    @property
    def lists_own(self) -> bool:
        """Whether the user's own products may be listed again."""
        return self.repeats or not self.exclude


@dataclass(frozen=True, slots=True)
class Item:
    """One product of an answer, and why it is there; the contributions add up to the score."""

    id: str
    score: float
    source: str  # what contributes most
    contributions: Mapping[str, float]
    because: tuple[str, ...] = ()  # the user's own products that gave most to the score
    interest: str | None = None  # the own product that stands for the interest nearest to it
    fields: Mapping[str, Any] = field(default_factory=dict)
    cause: Cause | None = None  # the product that the one reason given names: itself, if had before
    highlights: Mapping[str, str] | None = None  # by field, HTML with the words in <em>
    placed: str | None = None  # the rule that gave it its place; None for its relevance
    propensity: float | None = None  # how likely it was explored, of what is
    acted: tuple[Acted, ...] = ()  # merchandisers' rules that had to do with it

    def reranked(self, moved: Moved) -> "Item":
        """The same after rules have changed its score or given it its place."""
        if moved == Moved():
            return self
        return replace(
            self,
            score=self.score + sum(moved.changes.values()),
            contributions={**self.contributions, **moved.changes},
            placed=moved.placed,
            propensity=moved.propensity,
            acted=moved.acted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A list of items, and whether and why it is not all that was asked for."""

    items: tuple[Item, ...]
    spaces: tuple[str, ...] = ()
    ranker: int | None = None  # the row of the rank that ordered it; None where none has learnt
    complete: bool = True
    reason: str | None = None
    missing_ids: tuple[str, ...] = ()
    fallback: str | None = None
    degraded: Mapping[str, str] = field(default_factory=dict)  # what did not run, and why
    tail: tuple[int, ...] = ()  # keys of products that would come next, as far as they are known


class UnknownProductError(LookupError):
    """The catalog has no product of this id."""


class UnknownFieldError(ValueError):
    """`fields` names something that products do not have."""


SHOWN = (
    "title",
    "description",
    "category",
    "brand",
    "price",
    "currency",
    "in_stock",
    "image_urls",
    "video_urls",
    "attributes",
    "released_at",
)


def check_fields(names: Iterable[str], attributes: Collection[str]) -> tuple[str, ...]:
    """The names, each a field or a declared attribute.

    Raises:
        UnknownFieldError: naming the first that is neither.
    """
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in SHOWN and name.removeprefix("attributes.") not in attributes:
            raise UnknownFieldError(unknown_field(name, SHOWN, attributes))
    return wanted


def load_fields(
    catalog_id: int, external_ids: Collection[str], names: tuple[str, ...]
) -> Mapping[str, Mapping[str, Any]]:
    """The named fields of these products, by external id; one query, none where none is named."""
    if not names or not external_ids:
        return {}
    columns = [name for name in names if name in SHOWN]
    query = sql.SQL(
        "SELECT {} FROM recommender_product WHERE catalog_id = %s AND external_id = ANY(%s)"
    ).format(sql.SQL(", ").join(map(sql.Identifier, ["external_id", "attributes", *columns])))
    rows = database.fetch(query, (catalog_id, list(external_ids)))
    return {
        external_id: _values(
            names, dict(zip(columns, map(plain_value, values), strict=True)), attributes
        )
        for external_id, attributes, *values in rows
    }


def product_keys(catalog_id: int, external_ids: Collection[str]) -> list[int]:
    """The keys of those of these products that there are."""
    query = (
        "SELECT COALESCE(m.kept_id, p.id) FROM recommender_product p "
        "LEFT JOIN recommender_productmerge m ON m.product_id = p.id "
        "WHERE p.catalog_id = %s AND p.external_id = ANY(%s)"
    )
    return [key for (key,) in database.fetch(query, (catalog_id, list(external_ids)))]


def plain_value(value: Any) -> Any:
    """The value as JSON has it: a price as a number."""
    return float(value) if isinstance(value, Decimal) else value


def _values(
    names: tuple[str, ...], columns: Mapping[str, Any], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        name: columns[name] if name in columns else attributes.get(name.removeprefix("attributes."))
        for name in names
    }
