"""What kinds of insight read of a catalog: a space's vectors, in pages, and what products say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db.utils import ProgrammingError
from numpy.typing import NDArray
from psycopg import sql
from psycopg.errors import UndefinedTable

from recommender import arrays, database
from recommender.history import popularity
from recommender.insight.kind import InsightError
from recommender.models import Catalog, Space
from recommender.spaces.partitions import halfvec_rows, product_vectors

_PAGE = 20_000

_LIVING = sql.SQL("""
FROM {} v JOIN recommender_product p ON p.id = v.product_id
WHERE v.embedding IS NOT NULL AND p.deleted_at IS NULL
""")
_COUNT = sql.SQL("SELECT count(*) {}")
_SOME = sql.SQL("SELECT count(*) FROM (SELECT {} LIMIT %s) few")
_VECTORS = sql.SQL("""
SELECT v.product_id, halfvec_send(v.embedding) {} AND v.product_id > %s
ORDER BY v.product_id LIMIT %s
""")
_PRODUCTS = """
SELECT id, external_id, title, category, brand, price::float8, in_stock,
       extract(epoch FROM created_at)::float8
FROM recommender_product
WHERE catalog_id = %s AND deleted_at IS NULL AND id > %s ORDER BY id LIMIT %s
"""

_WARM = """
SELECT product_id FROM recommender_productpopularity
WHERE catalog_id = %s AND total > 0 ORDER BY product_id
"""
_STOP_WORDS = """
SELECT word FROM unnest(%s::text[]) word WHERE to_tsvector(%s::regconfig, word) = ''::tsvector
"""

_MONTH = timedelta(days=30)
# What was sold; where nothing was, what was done at all.
_SALES = """
SELECT product_id, count(*) FILTER (WHERE at >= %(since)s)::float8,
       count(*) FILTER (WHERE at < %(since)s)::float8
FROM recommender_event
WHERE catalog_id = %(catalog)s AND at >= %(start)s AND at < %(before)s AND product_id IS NOT NULL
      AND (%(type)s::text IS NULL OR type = %(type)s)
GROUP BY product_id ORDER BY product_id
"""


@dataclass(frozen=True, slots=True)
class Vectors:
    """A space's vectors of products that are not deleted, in the order of their keys.

    Single precision: a million of 256 numbers take 1 GB. Whoever needs unit length scales in
    place; nobody else reads them.
    """

    keys: NDArray[np.int64]  # (products,)
    rows: NDArray[np.float32]  # (products, dimension), finite and not zero

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Facts:
    """What products say, in the order of their keys; every array has shape (products,)."""

    keys: NDArray[np.int64]
    ids: NDArray[np.object_]
    titles: NDArray[np.object_]
    categories: NDArray[np.object_]  # "" where there is none
    brands: NDArray[np.object_]
    prices: NDArray[np.float64]  # NaN where there is none
    in_stock: NDArray[np.bool_]
    created: NDArray[np.float64]  # seconds since 1970

    def __len__(self) -> int:
        return len(self.keys)

    def at(self, rows: NDArray[np.integer]) -> "Facts":
        """Those of some rows, in the order given."""
        return Facts(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Sales:
    """How much was sold of each product; both of shape (products,)."""

    month: NDArray[np.float64]  # in the latest 30 days
    before: NDArray[np.float64]  # in the 30 days before them
    of: str  # "purchases", or "events" where there are none


def choose_space(catalog: Catalog, name: str | None) -> Space:
    """The version that serves of a space of dense vectors: the one named, or the first of content.

    Raises:
        InsightError: `unknown-space`; `no-vectors` where none serves yet.
    """
    active = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    dense = active.exclude(output=Space.Output.SPARSE).order_by("created_at", "pk")
    if name is None:
        space = dense.exclude(kind=Space.Kind.BEHAVIOUR).first()
    else:
        space = dense.filter(name=name).first()
    if space is not None:
        return space
    names = ", ".join(sorted(dense.values_list("name", flat=True)))
    if name is not None:
        known = f"there are: {names}" if names else "none serves yet"
        raise InsightError("unknown-space", f"There is no active space {name!r} ({known}).")
    raise InsightError("no-vectors", f"{catalog} has no active space, so no vectors.")


def check_has_vectors(catalog: Catalog, space: Space, least: int = 2) -> None:
    """See that a space has so many vectors at least.

    Raises:
        InsightError: `no-vectors` where there are none yet, `too-few-products` for fewer.
    """
    ((found,),) = database.fetch(_SOME.format(_living(space)), (least,))
    _check(catalog, space, found, least)


def read_vectors(catalog: Catalog, space: Space, least: int = 2) -> Vectors:
    """All vectors of a space; those with numbers that are none, or of no length, are left out.

    Raises:
        InsightError: as `check_has_vectors`; `space-retired` where it is retired meanwhile.
    """
    try:
        return _read_vectors(catalog, space, least)
    except ProgrammingError as exc:
        if not isinstance(exc.__cause__, UndefinedTable):
            raise
        detail = f"{space} was retired while it was read; run again."
        raise InsightError("space-retired", detail) from exc


def _read_vectors(catalog: Catalog, space: Space, least: int) -> Vectors:
    living = _living(space)
    ((count,),) = database.fetch(_COUNT.format(living))
    keys = np.zeros(count, dtype=np.int64)
    rows = np.zeros((count, space.dimension), dtype=np.float32)
    filled, after = 0, 0
    statement = _VECTORS.format(living)
    # Products that come meanwhile are another run's: what was counted has its place.
    while filled < count and (page := database.fetch(statement, (after, _PAGE))):
        after = page[-1][0]
        found = halfvec_rows([sent for _, sent in page], space.dimension)
        good = np.isfinite(found).all(axis=1) & (found != 0).any(axis=1)
        kept = np.flatnonzero(good)[: count - filled]
        keys[filled : filled + len(kept)] = np.array([key for key, _ in page], np.int64)[kept]
        rows[filled : filled + len(kept)] = found[kept]
        filled += len(kept)
    _check(catalog, space, filled, least)
    return Vectors(keys[:filled], rows[:filled])


def read(catalog: Catalog, space: Space, least: int = 2) -> tuple[Vectors, Facts]:
    """The products that have a vector: row by row their vectors and what they say.

    Raises:
        InsightError: as `check_has_vectors`.
    """
    facts = read_facts(catalog)
    vectors = read_vectors(catalog, space, least)
    rows, there = arrays.sorted_places(facts.keys, vectors.keys)
    if not there.all():  # came while the others were read
        vectors = Vectors(vectors.keys[there], vectors.rows[there])
    return vectors, facts.at(rows[there])


def read_facts(catalog: Catalog) -> Facts:
    """What all products of a catalog say that are not deleted."""
    after, pages = 0, []
    while page := database.fetch(_PRODUCTS, (catalog.pk, after, _PAGE)):
        pages.append(_facts(page))
        after = page[-1][0]
    if not pages:
        return _facts([])
    names = Facts.__dataclass_fields__
    return Facts(*(np.concatenate([getattr(page, name) for page in pages]) for name in names))


def _living(space: Space) -> sql.Composed:
    return _LIVING.format(product_vectors(space.pk))


def read_sales(catalog: Catalog, keys: NDArray[np.int64]) -> Sales:
    """How much was sold of products by their keys, in the two latest months of the catalog."""
    until = popularity.clock(catalog)
    asked = {
        "catalog": catalog.pk,
        "start": until - 2 * _MONTH,
        "since": until - _MONTH,
        "before": until,
        "type": "purchase",
    }
    rows, of = database.fetch(_SALES, asked), "purchases"
    if not rows:
        rows, of = database.fetch(_SALES, asked | {"type": None}), "events"
    sold = np.array([row[0] for row in rows], dtype=np.int64)
    counts = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 2)
    places, there = arrays.sorted_places(sold, keys)
    found = np.zeros((len(keys), 2))
    found[there] = counts[places[there]]
    return Sales(found[:, 0], found[:, 1], of)


def read_warm(catalog: Catalog, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which products, by their keys, anybody has ever liked."""
    found = database.fetch(_WARM, (catalog.pk,))
    known = np.array([key for (key,) in found], dtype=np.int64)
    return arrays.sorted_places(known, keys)[1]


def stop_words(catalog: Catalog, words: Sequence[str]) -> set[str]:
    """Those of these words that tell nothing in the language of the catalog's searches."""
    found = database.fetch(_STOP_WORDS, (list(words), f"kinship_{catalog.search_language}"))
    return {word for (word,) in found}


def _facts(rows: Sequence[tuple[object, ...]]) -> Facts:
    columns = list(zip(*rows, strict=True)) or [()] * 8
    keys, ids, titles, categories, brands, prices, in_stock, created = columns
    return Facts(
        keys=np.array(keys, dtype=np.int64),
        ids=np.array(ids, dtype=object),
        titles=np.array(titles, dtype=object),
        categories=np.array(categories, dtype=object),
        brands=np.array(brands, dtype=object),
        prices=np.array([np.nan if price is None else price for price in prices], np.float64),
        in_stock=np.array(in_stock, dtype=bool),
        created=np.array(created, dtype=np.float64),
    )


def _check(catalog: Catalog, space: Space, found: int, least: int) -> None:
    if not found:
        raise InsightError(
            "no-vectors",
            f"No product of {catalog} has a vector in {space} yet; embed it first "
            f"(./kinship embed --catalog {catalog} --wait).",
        )
    if found < least:
        products = "product has a vector" if found == 1 else "products have vectors"
        raise InsightError(
            "too-few-products", f"{found:,} {products} in {space}; this needs {least:,} at least."
        )
