"""All that is known of candidates, by now and exactly: one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import arrays, vectors, windows
from recommender.engine.filters import Filter
from recommender.engine.passing import VISIBLE
from recommender.engine.searching import Vector
from recommender.spaces.serving import ServingSpace

# Columns of Labels.
_LABELS = 5

# Vectors that are not remembered come along, whether their product may be listed or not.
_DESCRIBED = sql.SQL("""
SELECT c.*, o.* {vectors} FROM (
    SELECT array_agg(external_id), array_send(array_agg(id)), array_send(array_agg(price)),
           array_send(array_agg(category)), array_send(array_agg(brand)),
           array_send(array_agg(released))
    FROM (
        SELECT p.id, p.external_id, {product}
        FROM unnest(%(candidates)s::bigint[]) AS wanted(id)
        JOIN recommender_product p ON p.id = wanted.id
        WHERE p.catalog_id = %(catalog)s AND {condition}
    ) c
) c, (
    SELECT array_agg(external_id), array_send(array_agg(id)), array_send(array_agg(price)),
           array_send(array_agg(category)), array_send(array_agg(brand))
    FROM (
        SELECT p.id, p.external_id, {product}
        FROM unnest(%(own)s::bigint[]) AS own(id) JOIN recommender_product p ON p.id = own.id
    ) o
) o
""")

_PRODUCT = sql.SQL("""
COALESCE(ln(NULLIF(p.price::float8, 0)), 'NaN')::float4 AS price,
{category} AS category, {brand} AS brand,
COALESCE(extract(epoch FROM p.released_at), 'NaN')::float8 AS released
""").format(category=windows.label("category"), brand=windows.label("brand"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Of some products; every array has shape (products,)."""

    ids: Sequence[str]  # external
    products: NDArray[np.int64]  # keys
    prices: NDArray[np.float32]  # logarithms, NaN where unknown
    labels: Mapping[str, NDArray[np.int64]]  # "category" and "brand" as numbers, 0 for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The candidates that may be listed, and the user's own products that are still there."""

    candidates: Labels
    own: Labels
    released: NDArray[np.float64]  # seconds since 1970, NaN where unknown
    # By key of a space, kind and position of the vector; shape (candidates,).
    similarities: Mapping[tuple[int, str, int], NDArray[np.float32]]


Profiles = Sequence[tuple[ServingSpace, Sequence[Vector]]]


def describe(
    catalog_id: int,
    candidates: NDArray[np.int64],
    own: NDArray[np.int64],
    profiles: Profiles,
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Described:
    """Those of the candidates that are available and pass.

    Args:
        candidates: keys, ascending.
        own: keys of the user's own products that say what their taste is.
        profiles: of each space the vectors that candidates are compared with.
    """
    spaces = tuple(space for space, _ in profiles)
    keys = candidates.tolist()
    known = [vectors.known(space, keys) for space in spaces]
    statement = _statement(spaces, None) if filter is None else _compose(spaces, filter)
    parameters = {
        "catalog": catalog_id,
        "candidates": database.array_text(keys),
        "own": database.array_text(own.tolist()),
        **{_missing(each.space): database.array_text(each.missing) for each in known},
        **(filter.parameters if filter else {}),
    }
    row = database.fetch(statement, parameters)[0]
    end = 2 * _LABELS + 1
    listed = _labels(*row[:_LABELS])
    places = np.searchsorted(candidates, listed.products)
    similarities: dict[tuple[int, str, int], NDArray[np.float32]] = {}
    for (space, compared_with), each, sent in zip(profiles, known, row[end:], strict=True):
        similarities |= _similarities(space, compared_with, each.complete(sent)[places])
    return Described(
        candidates=listed,
        own=_labels(*row[_LABELS + 1 : end]),
        released=arrays.floats(row[_LABELS]),
        similarities=similarities,
    )


def _similarities(
    space: ServingSpace, compared_with: Sequence[Vector], near: NDArray[np.float32]
) -> dict[tuple[int, str, int], NDArray[np.float32]]:
    """Inner products, which in a space of cosines are those: its vectors are of length one.

    Args:
        near: the candidates' vectors, shape (candidates, dimension).
    """
    # One by one: BLAS would share out a product of matrices among threads, which wait busily.
    return {
        (space.pk, vector.kind, vector.position): np.vecdot(near, vector.numbers)
        for vector in compared_with
    }


def _labels(
    ids: Sequence[str] | None, products: bytes, prices: bytes, categories: bytes, brands: bytes
) -> Labels:
    return Labels(
        ids=ids or (),
        products=arrays.ints(products),
        prices=arrays.singles(prices),
        labels={"category": arrays.ints(categories), "brand": arrays.ints(brands)},
    )


@lru_cache(maxsize=1000)
def _statement(spaces: tuple[ServingSpace, ...], filter: None) -> bytes:  # noqa: A002
    return _compose(spaces, filter).as_bytes(None)


def _compose(spaces: Iterable[ServingSpace], filter: Filter | None) -> sql.Composed:  # noqa: A002
    condition: sql.Composable = VISIBLE
    if filter is not None:
        condition = sql.SQL("{} AND {}").format(VISIBLE, filter.condition)
    sent = [vectors.select(space, sql.Placeholder(_missing(space))) for space in spaces]
    return _DESCRIBED.format(
        product=_PRODUCT,
        condition=condition,
        vectors=sql.SQL("").join(sql.SQL(", {}").format(each) for each in sent),
    )


def _missing(space: ServingSpace) -> str:
    """The parameter of the products whose vectors in a space are to be sent."""
    return f"missing_{space.pk}"
