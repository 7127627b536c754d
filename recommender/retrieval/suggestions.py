"""What a text that is being typed may become: words, categories, brands and products."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.retrieval.filter_cache import VISIBLE
from recommender.retrieval.leanings import Leanings

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


class _Product(NamedTuple):
    """A product that has the words."""

    id: str
    title: str
    category: str
    brand: str


@dataclass(frozen=True, slots=True)
class Personal:
    """Whose taste counts, and how much beside how many have it and how popular it is, 0 to 1."""

    leanings: Leanings
    weight: float

    def in_order(self, values: Iterable[tuple[str, _Product]]) -> list[str]:
        """Values of products, by how many have it and by how well those fit on average."""
        if not self.weight:
            return [value for value, _ in Counter(value for value, _ in values).most_common()]
        counts: Counter[str] = Counter()
        fits: defaultdict[str, float] = defaultdict(float)
        for value, product in values:
            counts[value] += 1
            fits[value] += self._fit(product)
        most = max(counts.values(), default=1)

        def worth(value: str) -> float:
            common, fit = counts[value] / most, fits[value] / counts[value]
            return (1 - self.weight) * common + self.weight * fit

        return sorted(counts, key=worth, reverse=True)

    def between(self, common: Sequence[str], fitting: Sequence[str]) -> list[str]:
        """Words by their places among the commonest, and among those that fit."""
        places = {word: place for place, word in enumerate(fitting)}
        last = len(places) or 1
        worths = {
            word: (1 - self.weight) * place / len(common)
            + self.weight * places.get(word, last) / last
            for place, word in enumerate(common)
        }
        return sorted(common, key=worths.__getitem__)

    def best_first(self, products: Sequence[_Product]) -> Sequence[_Product]:
        """The products by their places among the popular, and by how well they fit."""
        if not self.weight:
            return products
        number = len(products)
        worths = [
            (1 - self.weight) * place / number - self.weight * self._fit(product)
            for place, product in enumerate(products)
        ]
        return [products[place] for place in sorted(range(number), key=worths.__getitem__)]

    def _fit(self, product: _Product) -> float:
        return self.leanings.fit(product.category, product.brand)


_NOBODY = Personal(Leanings(is_anonymous=True, categories={}, brands={}), 0.0)


def suggest(
    catalog: Catalog, text: str, count: int, personal: Personal | None = None
) -> list[Suggestion]:
    """What the text may become, at most so many: words, then categories, brands and products.

    The last word is taken for a beginning. Of a short one that very many products have, only
    words are told, and nobody's taste counts.
    """
    words = _WORD.findall(text[:_MOST_CHARACTERS].casefold())
    if not words:
        return []
    *before, last = words
    completions, products = _completions(catalog, last, count)
    if not before and products > _MOST_READ:
        return [Suggestion(word, Kind.WORDS) for word in completions]
    read = _read(catalog, before, last)
    taste = _NOBODY if personal is None else personal
    # Of one word all of the catalog's are known, those of texts other than titles, too.
    completed = completions
    if before or taste.weight:
        completed = taste.in_order(_begun(read, last))
    if taste.weight and not before:
        completed = taste.between(completions, completed)
    lead = "".join(f"{word} " for word in before)
    found = [
        *(Suggestion(f"{lead}{word}", Kind.WORDS) for word in completed[: max(1, count // 2)]),
        *_labels(taste.in_order((p.category, p) for p in read), words, Kind.CATEGORY),
        *_labels(taste.in_order((p.brand, p) for p in read), words, Kind.BRAND),
        *(Suggestion(p.title, Kind.PRODUCT, p.id) for p in taste.best_first(read)[:count]),
    ]
    return found[:count]


def _completions(catalog: Catalog, last: str, limit: int) -> tuple[list[str], int]:
    """Words that begin so, the commonest first, and how many products have any, at most."""
    rows = database.fetch(_beginning(catalog.pk, limit), {"last": last})
    return [word for word, _ in rows], int(rows[0][1]) if rows else 0


def _read(catalog: Catalog, before: Sequence[str], last: str) -> list[_Product]:
    """The products that have all of the words, the most popular first."""
    rows = database.fetch(_products(catalog.pk), {"query": " & ".join([*before, f"{last}:*"])})
    return list(map(_Product._make, rows))


@lru_cache(maxsize=1000)
def _beginning(catalog_id: int, limit: int) -> bytes:
    parts = {"catalog": sql.Literal(catalog_id), "limit": sql.Literal(limit)}
    return _BEGINNING.format(**parts).as_bytes(None)


@lru_cache(maxsize=1000)
def _products(catalog_id: int) -> bytes:
    parts = {"catalog": sql.Literal(catalog_id), "most": sql.Literal(_MOST_READ)}
    return _PRODUCTS.format(**parts, visible=VISIBLE).as_bytes(None)


def _begun(products: Iterable[_Product], last: str) -> Iterator[tuple[str, _Product]]:
    """The words of the products' titles that begin so, each with its product."""
    for product in products:
        for word in dict.fromkeys(_WORD.findall(product.title.casefold())):
            if word.startswith(last):
                yield word, product


def _labels(labels: Iterable[str], words: Sequence[str], kind: Kind) -> Iterator[Suggestion]:
    """Those that have all of the words, as they are or as beginnings."""
    for label in labels:
        own = _WORD.findall(label.casefold())
        if label and all(any(one.startswith(word) for one in own) for word in words):
            yield Suggestion(label, kind)
