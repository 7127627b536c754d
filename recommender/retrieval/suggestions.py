"""What a text that is being typed may become: words, categories, brands and products."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.retrieval.filter_cache import VISIBLE

# Of a beginning that more products have, only words are told: reading all of them takes too long.
_MOST_READ = 500
_MOST_CHARACTERS = 100

_WORD = re.compile(r"[^\W_]+")

# Rows of a word that begins so, and how many products have one of them, at most.
_BEGINNING = sql.SQL("""
SELECT s.word, sum(s.products) OVER () FROM recommender_searchword s,
    (SELECT lower(unaccent(%(last)s)) AS text) begins
WHERE s.catalog_id = {catalog} AND s.word >= begins.text COLLATE "C"
  AND s.word < (begins.text || chr(1114111)) COLLATE "C"
ORDER BY s.products DESC, s.word LIMIT {limit}
""")

# The most popular products that have all words, the last one as a beginning.
_PRODUCTS = sql.SQL("""
SELECT p.external_id, p.title, p.category, p.brand FROM (
    SELECT d.product_id FROM recommender_searchdocument d, kinship_languages l
    WHERE l.catalog_id = {catalog} AND d.catalog_id = {catalog}
      AND d.lexemes @@ to_tsquery(l.config, %(query)s) LIMIT {most}
) d JOIN recommender_product p ON p.id = d.product_id
LEFT JOIN recommender_productpopularity s ON s.product_id = p.id
WHERE {visible} ORDER BY s.recent DESC NULLS LAST, s.total DESC NULLS LAST, p.id
""")


class Kind(StrEnum):
    """What is suggested."""

    WORDS = "words"
    CATEGORY = "category"
    BRAND = "brand"
    PRODUCT = "product"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to search for, or a thing to go to; `id` is a product's."""

    text: str
    kind: Kind
    id: str | None = None


def suggest(catalog: Catalog, text: str, count: int) -> list[Suggestion]:
    """What the text may become, at most so many: words, then categories, brands and products.

    The last word is taken for a beginning. Of a short one that very many products have, only
    words are told.
    """
    words = _WORD.findall(text[:_MOST_CHARACTERS].casefold())
    if not words:
        return []
    *before, last = words
    completions, products = _completions(catalog, last, count)
    if not before and products > _MOST_READ:
        return [Suggestion(word, Kind.WORDS) for word in completions]
    read = _read(catalog, before, last)
    if before:
        completions = _completed((product.title for product in read), last)
    lead = "".join(f"{word} " for word in before)
    found = [
        *(Suggestion(f"{lead}{word}", Kind.WORDS) for word in completions[: max(1, count // 2)]),
        *_labels((product.category for product in read), words, Kind.CATEGORY),
        *_labels((product.brand for product in read), words, Kind.BRAND),
        *(Suggestion(product.title, Kind.PRODUCT, product.id) for product in read),
    ]
    return found[:count]


@dataclass(frozen=True, slots=True)
class _Product:
    id: str
    title: str
    category: str
    brand: str


def _completions(catalog: Catalog, last: str, limit: int) -> tuple[list[str], int]:
    """Words that begin so, the commonest first, and how many products have any, at most."""
    query = _BEGINNING.format(catalog=sql.Literal(catalog.pk), limit=sql.Literal(limit))
    rows = database.fetch(query, {"last": last})
    return [word for word, _ in rows], int(rows[0][1]) if rows else 0


def _read(catalog: Catalog, before: Sequence[str], last: str) -> list[_Product]:
    """The products that have all of the words, the most popular first."""
    query = _PRODUCTS.format(
        catalog=sql.Literal(catalog.pk), most=sql.Literal(_MOST_READ), visible=VISIBLE
    )
    rows = database.fetch(query, {"query": " & ".join([*before, f"{last}:*"])})
    return [_Product(*row) for row in rows]


def _completed(texts: Iterable[str], last: str) -> list[str]:
    """The words of these texts that begin so, the commonest first."""
    counts = Counter(
        word
        for text in texts
        for word in set(_WORD.findall(text.casefold()))
        if word.startswith(last)
    )
    return [word for word, _ in counts.most_common()]


def _labels(labels: Iterable[str], words: Sequence[str], kind: Kind) -> Iterator[Suggestion]:
    """The labels that have all of the words, as they are or as beginnings, the commonest first."""
    counts = Counter(filter(None, labels))
    for label, _ in counts.most_common():
        own = _WORD.findall(label.casefold())
        if all(any(one.startswith(word) for one in own) for word in words):
            yield Suggestion(label, kind)
