"""The products that have a query's words, or its id: through PostgreSQL's full-text index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any

import orjson
from psycopg import sql

from recommender.models import Catalog
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter
from recommender.retrieval.lookup import Lookup
from recommender.retrieval.vocabulary import QueryWord, Term

# Each product that has one of the words costs some 5 microseconds to read and score. The rarest
# words that together are in no more than so many products find them, and the others only score.
# Where even the rarest is in more, so many of the most popular products are looked at, too.
_MOST_SCORED = 2000
# What a word counts in the text, in attributes, in brand and category, in the title.
_WEIGHTS = "{0.15, 0.3, 0.6, 1.0}"
# What ts_rank gives for one, 6/π², before it minds the length of the text.
_ONCE_IN_TITLE = 0.6079
# What a word counts that is only near to the one asked for, and one that stands for it.
_ALTERNATIVE, _SYNONYM = 0.7, 0.8
# Attributes that name one product, as shops and feeds call them.
_IDENTIFIERS = ("gtin", "ean", "upc", "isbn", "sku", "mpn", "asin", "barcode")
_LONGEST_ID = 255

_BY_WORDS = sql.SQL("""
SELECT d.product_id, d.external_id, {score} AS score, d.lexemes @@ %(all_words)s::tsquery
FROM ({found}) d ORDER BY score DESC, d.product_id LIMIT %(words_limit)s
""")
_FOUND = sql.SQL("""
(SELECT d.product_id, p.external_id, d.lexemes
FROM recommender_searchdocument d JOIN recommender_product p ON p.id = d.product_id
WHERE d.catalog_id = %(catalog)s AND d.lexemes @@ %(any_word)s::tsquery AND {condition}
LIMIT {most})
""")
_FOUND_POPULAR = sql.SQL("""
(SELECT d.product_id, p.external_id, d.lexemes FROM (
    SELECT s.product_id FROM recommender_productpopularity s WHERE s.catalog_id = %(catalog)s
    ORDER BY s.catalog_id, s.recent DESC, s.total DESC, s.product_id LIMIT {most}
) s JOIN recommender_searchdocument d ON d.product_id = s.product_id
JOIN recommender_product p ON p.id = d.product_id
WHERE d.lexemes @@ %(any_word)s::tsquery AND {condition})
""")
# One word's, weighted by how rare it is; shorter texts say more by having it (normalization 1).
_SCORE = sql.SQL("{rarity} * {rank}")
_RANK = sql.SQL("ts_rank({weights}, d.lexemes, {word}::tsquery, 1)")
_RANK_OF_EITHER = sql.SQL("greatest({rank}, {discount} * {rank_of_synonyms})")

_BY_ID = sql.SQL("""
SELECT p.id, p.external_id, (p.external_id = %(id)s)::int::float8 AS is_id, true
FROM recommender_product p
WHERE p.catalog_id = %(catalog)s
  AND (p.external_id = ANY(%(ids)s) OR p.attributes @> ANY(%(attributes)s::jsonb[])) AND {condition}
ORDER BY is_id DESC, p.id LIMIT %(ids_limit)s
""")


@dataclass(frozen=True, slots=True)
class Match:
    """A product that a search by words found."""

    product_id: int
    external_id: str
    score: float  # only those of one search compare
    has_all: bool  # whether it has all of the words


def by_words(
    catalog: Catalog,
    words: Sequence[QueryWord],
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> Lookup[list[Match]]:
    """The available products that have the words, the best first.

    A product's score is the sum over the words of their inverse document frequency times
    PostgreSQL's `ts_rank`. Where a word is very common, only products are found that have a rarer
    one too; where all are, the most popular products that have them, and some others.
    """
    if not words:
        return Lookup("", {}, lambda _: [])
    find, is_rare = _finding(words, max(catalog.words_counted_of, 1))
    parameters: dict[str, Any] = {
        "catalog": catalog.pk,
        "any_word": find,
        "all_words": having(words, all_of_them=True),
        "words_limit": limit if is_rare else 2 * limit,
        **(filter.parameters if filter else {}),
    }
    for place, word in enumerate(words):
        parameters[f"rarity_{place}"] = _rarity(word, catalog.words_counted_of)
        parameters[f"word_{place}"] = _either(word.terms)
        if word.synonyms:
            parameters[f"synonyms_{place}"] = _either([term for _, term in word.synonyms])
    condition = filter_cache.condition(filter).as_string(None)
    query = _words_query(tuple(bool(word.synonyms) for word in words), is_rare, condition)
    # A product may have been found by both.
    return Lookup(
        query, parameters, lambda rows: list(dict.fromkeys(Match(*row) for row in rows))[:limit]
    )


@lru_cache(maxsize=1000)
def _words_query(has_synonyms: tuple[bool, ...], is_rare: bool, condition: str) -> str:
    """The statement for so many words, of which some have synonyms."""
    parts = {
        "condition": sql.SQL(condition),
        "most": sql.Literal(_MOST_SCORED),
    }
    among = [_FOUND] if is_rare else [_FOUND, _FOUND_POPULAR]
    query = _BY_WORDS.format(
        score=sql.SQL(" + ").join(
            _SCORE.format(rarity=sql.Placeholder(f"rarity_{place}"), rank=_rank(place, either))
            for place, either in enumerate(has_synonyms)
        ),
        found=sql.SQL(" UNION ALL ").join(part.format(**parts) for part in among),
    )
    return query.as_string(None)


def _rank(place: int, has_synonyms: bool) -> sql.Composed:
    """The SQL of how well a product has the word in this place, or one that stands for it."""

    def rank(parameter: str) -> sql.Composed:
        return _RANK.format(weights=sql.Literal(_WEIGHTS), word=sql.Placeholder(parameter))

    own = rank(f"word_{place}")
    if not has_synonyms:
        return own
    return _RANK_OF_EITHER.format(
        rank=own, discount=sql.Literal(_SYNONYM), rank_of_synonyms=rank(f"synonyms_{place}")
    )


def having(words: Sequence[QueryWord], *, all_of_them: bool) -> str:
    """What PostgreSQL looks for, a tsquery, in products that have the words."""
    return (" & " if all_of_them else " | ").join(f"({_any_of(word)})" for word in words)


def best_score(words: Sequence[QueryWord], products: int) -> float:
    """The score of a product that has each of the words once, in its title; 1 where there is none.

    Args:
        products: of the catalog.
    """
    return _ONCE_IN_TITLE * sum(_rarity(word, products) for word in words) or 1.0


def by_id(
    catalog: Catalog,
    text: str,
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> Lookup[list[tuple[int, str]]]:
    """The available products of this id, or of this SKU, GTIN or the like: keys and ids.

    Identifiers are attributes that are called so; upper and lower case are the same.
    """
    text = text.strip()
    if not 0 < len(text) <= _LONGEST_ID:
        return Lookup("", {}, lambda _: [])
    spellings = list(dict.fromkeys((text, text.upper(), text.lower())))
    values: list[str | int] = [*spellings, *([int(text)] if _is_number(text) else [])]
    names = [
        name
        for name in catalog.attributes
        if name.lower().replace("-", "").replace("_", "") in _IDENTIFIERS
    ]
    parameters: Mapping[str, Any] = {
        "catalog": catalog.pk,
        "id": text,
        "ids": spellings,
        "attributes": [orjson.dumps({n: v}).decode() for n in names for v in values],
        "ids_limit": limit,
        **(filter.parameters if filter else {}),
    }
    return Lookup(
        _ids_query(filter_cache.condition(filter).as_string(None)),
        parameters,
        lambda rows: [(key, external_id) for key, external_id, *_ in rows],
    )


@lru_cache(maxsize=1000)
def _ids_query(condition: str) -> str:
    return _BY_ID.format(condition=sql.SQL(condition)).as_string(None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len("9" * 18)


def _finding(words: Sequence[QueryWord], products: int) -> tuple[str, bool]:
    """The query of the products that are scored: any of the rarest words, or several at once; and
    whether they are as few as may be scored."""
    rarest = sorted(words, key=lambda word: word.products)
    total = 0
    either: list[str] = []
    for word in rarest:
        if either and total + word.products > _MOST_SCORED:
            break
        either.append(_any_of(word))
        total += word.products
    if total <= _MOST_SCORED:
        return " | ".join(either), True
    # Even the rarest is common: as many of them at once as make it rare.
    expected = float(products)
    both: list[str] = []
    for word in rarest:
        if both and expected <= _MOST_SCORED:
            break
        both.append(f"({_any_of(word)})")
        expected *= word.products / products
    return " & ".join(both), expected <= _MOST_SCORED


def _any_of(word: QueryWord) -> str:
    return _either([*word.terms, *(term for _, term in word.synonyms)])


def _either(terms: Sequence[Term]) -> str:
    return " | ".join(" & ".join(map(_quoted, term.stems)) for term in terms)


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _rarity(word: QueryWord, products: int) -> float:
    """Inverse document frequency as BM25 has it (Robertson & Zaragoza 2009), never below 0."""
    having = min(word.products, products)
    rarity = log(1 + (products - having + 0.5) / (having + 0.5))
    return rarity * (_ALTERNATIVE if word.meant else 1)
