"""All products that a search is about, not only the best: what is counted and sorted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.retrieval import filter_cache, text_search
from recommender.retrieval.filters import Filter
from recommender.retrieval.product_fields import Binder, Field
from recommender.retrieval.vocabulary import QueryWord

# So many products are looked at, at most: each costs some 5 microseconds.
MOST = 20_000
# As `degraded`: only the first so many were sorted.
TOO_MANY = "too_many_matches"

# The available products that have the words or are those given, and pass.
_SELECT = sql.SQL("""
SELECT p.* FROM (
    SELECT d.product_id FROM recommender_searchdocument d
    WHERE d.catalog_id = {catalog} AND d.lexemes @@ %(words)s::tsquery
    UNION SELECT unnest(%(given)s::bigint[])
) m JOIN recommender_product p ON p.id = m.product_id
WHERE p.catalog_id = {catalog} AND {condition} LIMIT {most}
""")

_PASSING = sql.SQL("""
SELECT p.* FROM recommender_product p
WHERE p.catalog_id = {catalog} AND {condition} LIMIT {most}
""")

# A row a product, with how many there are.
_SORTED = sql.SQL("""
SELECT p.id, p.external_id, count(*) OVER () FROM ({matches}) p
ORDER BY {order}, p.id LIMIT %(limit)s
""")


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field that products are sorted by; those without a value come last either way."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class Matches:
    """A SELECT of products, and its parameters."""

    select: sql.Composed
    parameters: Mapping[str, Any]


def of(
    catalog: Catalog,
    words: Sequence[QueryWord],
    *,
    has_all: bool,
    given: Sequence[int],
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Matches:
    """The available products that have all of the words, or any where none has all, or are given.

    Args:
        given: keys of products.
    """
    return Matches(
        _SELECT.format(
            catalog=sql.Literal(catalog.pk),
            condition=filter_cache.condition(filter),
            most=sql.Literal(MOST),
        ),
        {
            "words": text_search.having(words, all_of_them=has_all),
            "given": database.array_text(given),
            **(filter.parameters if filter else {}),
        },
    )


def passing(catalog: Catalog, filter: Filter | None) -> Matches:  # noqa: A002 - the API's word
    """The available products that pass, whatever is searched for."""
    select = _PASSING.format(
        catalog=sql.Literal(catalog.pk),
        condition=filter_cache.condition(filter),
        most=sql.Literal(MOST),
    )
    return Matches(select, filter.parameters if filter else {})


@dataclass(frozen=True, slots=True)
class Sorted:
    """Products in order, and whether those are all that were to be sorted."""

    products: Sequence[tuple[int, str]]  # keys and ids
    is_complete: bool


def in_order(matches: Matches, keys: Sequence[SortKey], limit: int) -> Sorted:
    """The first products by these fields; of equal ones by when they were added."""
    bind = Binder("sort")
    terms = [_term(key, bind) for key in keys]
    query = _SORTED.format(matches=matches.select, order=sql.SQL(", ").join(terms))
    parameters = {**matches.parameters, **bind.parameters, "limit": limit}
    rows = database.fetch(query, parameters)
    return Sorted([(key, name) for key, name, _ in rows], not rows or rows[0][2] < MOST)


def _term(key: SortKey, bind: Binder) -> sql.Composed:
    """An empty text is none."""
    direction = sql.SQL("DESC" if key.descending else "ASC")
    value = key.field.value(bind)
    if key.field.is_textual:
        value = sql.SQL("NULLIF({}, '')").format(value)
    return sql.SQL("{} {} NULLS LAST").format(value, direction)
