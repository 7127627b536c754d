"""What a text that is being typed may become: words, categories, brands and products."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Personal:
    """Whose taste counts, and how much beside how many have it and how popular it is, 0 to 1."""

    leanings: Leanings
    weight: float


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
    read = _read(catalog, before, last, personal)
    weight = 0.0 if personal is None else personal.weight
    completed = _in_order(_begun(read, last), weight)
    if not before:
        # Words of texts other than titles, too, and the commonest of the whole catalog first.
        completed = _as_common(completions, completed, weight)
    lead = "".join(f"{word} " for word in before)
    found = [
        *(Suggestion(f"{lead}{word}", Kind.WORDS) for word in completed[: max(1, count // 2)]),
        *_labels(((one.category, one.fit) for one in read), weight, words, Kind.CATEGORY),
        *_labels(((one.brand, one.fit) for one in read), weight, words, Kind.BRAND),
        *(Suggestion(one.title, Kind.PRODUCT, one.id) for one in _best_first(read, weight)),
    ]
    return found[:count]


@dataclass(frozen=True, slots=True)
class _Product:
    id: str
    title: str
    category: str
    brand: str
    fit: float  # to the user's taste, 0 to 1


def _completions(catalog: Catalog, last: str, limit: int) -> tuple[list[str], int]:
    """Words that begin so, the commonest first, and how many products have any, at most."""
    rows = database.fetch(_beginning(catalog.pk, limit), {"last": last})
    return [word for word, _ in rows], int(rows[0][1]) if rows else 0


def _read(
    catalog: Catalog, before: Sequence[str], last: str, personal: Personal | None
) -> list[_Product]:
    """The products that have all of the words, the most popular first."""
    rows = database.fetch(_products(catalog.pk), {"query": " & ".join([*before, f"{last}:*"])})
    fit = personal.leanings.fit if personal is not None else _none
    return [
        _Product(name, title, category, brand, fit(category, brand))
        for name, title, category, brand in rows
    ]


def _none(category: str, brand: str) -> float:  # noqa: ARG001 - as Leanings.fit
    return 0.0


@lru_cache(maxsize=1000)
def _beginning(catalog_id: int, limit: int) -> bytes:
    parts = {"catalog": sql.Literal(catalog_id), "limit": sql.Literal(limit)}
    return _BEGINNING.format(**parts).as_bytes(None)


@lru_cache(maxsize=1000)
def _products(catalog_id: int) -> bytes:
    parts = {"catalog": sql.Literal(catalog_id), "most": sql.Literal(_MOST_READ)}
    return _PRODUCTS.format(**parts, visible=VISIBLE).as_bytes(None)


def _begun(products: Iterable[_Product], last: str) -> Iterator[tuple[str, float]]:
    """The words of the products' titles that begin so, with how the product fits."""
    for product in products:
        for word in dict.fromkeys(_WORD.findall(product.title.casefold())):
            if word.startswith(last):
                yield word, product.fit


def _in_order(values: Iterable[tuple[str, float]], weight: float) -> list[str]:
    """The values by how often they are there, and by how well they fit on average."""
    counts: Counter[str] = Counter()
    fits: defaultdict[str, float] = defaultdict(float)
    for value, fit in values:
        counts[value] += 1
        fits[value] += fit
    most = max(counts.values(), default=1)

    def worth(value: str) -> float:
        return (1 - weight) * counts[value] / most + weight * fits[value] / counts[value]

    return sorted(counts, key=worth, reverse=True)


def _as_common(common: Sequence[str], fitting: Sequence[str], weight: float) -> list[str]:
    """Words by their places among the commonest, and among those that fit."""
    places = {word: place for place, word in enumerate(fitting)}
    last = len(places) or 1

    def place(word: str) -> float:
        of_common = common.index(word) / len(common)
        return (1 - weight) * of_common + weight * places.get(word, last) / last

    return sorted(common, key=place)


def _best_first(products: Sequence[_Product], weight: float) -> list[_Product]:
    """The products by their places among the popular, and by how well they fit."""
    number = len(products)
    order = sorted(
        range(number),
        key=lambda place: (1 - weight) * place / number - weight * products[place].fit,
    )
    return [products[place] for place in order]


def _labels(
    labels: Iterable[tuple[str, float]], weight: float, words: Sequence[str], kind: Kind
) -> Iterator[Suggestion]:
    """The labels that have all of the words, as they are or as beginnings, in their order."""
    for label in _in_order(((label, fit) for label, fit in labels if label), weight):
        own = _WORD.findall(label.casefold())
        if all(any(one.startswith(word) for one in own) for word in words):
            yield Suggestion(label, kind)
