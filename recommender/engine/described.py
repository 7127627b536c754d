"""All that is known of candidates, by now and exactly: one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import arrays, channels, searching, windows
from recommender.engine.filters import Filter
from recommender.engine.passing import VISIBLE
from recommender.engine.searching import Profile, Vector
from recommender.spaces import partitions
from recommender.spaces.serving import ServingSpace

# Columns of Labels.
_LABELS = 5

_DESCRIBED = sql.SQL("""
SELECT c.*, o.* FROM (
    SELECT array_agg(external_id), array_send(array_agg(id)), array_send(array_agg(price)),
           array_send(array_agg(category)), array_send(array_agg(brand)),
           array_send(array_agg(released)) {sent}
    FROM (
        SELECT p.id, p.external_id, {product} {similarities}
        FROM unnest(%(candidates)s::bigint[]) AS wanted(id)
        JOIN recommender_product p ON p.id = wanted.id {joins}
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

# The query vector is an uncorrelated subselect: read once. One that is not there gives NULL.
_SIMILARITY = sql.SQL("""
COALESCE({similarity}, 0)::float4 AS {name}
""")
_QUERY = sql.SQL(
    "(SELECT q.embedding FROM ({source}) q WHERE q.kind = {kind} AND q.position = {at})"
)


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


def describe(
    catalog_id: int,
    candidates: NDArray[np.int64],
    own: NDArray[np.int64],
    profiles: Sequence[tuple[Profile, Sequence[Vector]]],
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Described:
    """Those of the candidates that are available and pass.

    Args:
        candidates: keys, distinct.
        own: keys of the user's own products that say what their taste is.
        profiles: each with those of its vectors that there are.
    """
    wanted = tuple(
        (profile.space, profile.name, vector.kind, vector.position)
        for profile, vectors in profiles
        for vector in vectors
        if compared(vector)
    )
    statement = _statement(wanted, None) if filter is None else _compose(wanted, filter)
    parameters = {
        "catalog": catalog_id,
        "candidates": database.array_text(candidates.tolist()),
        "own": database.array_text(own.tolist()),
        **{key: value for profile, _ in profiles for key, value in profile.parameters.items()},
        **(filter.parameters if filter else {}),
    }
    row = database.fetch(statement, parameters)[0]
    end = _LABELS + 1 + len(wanted)
    return Described(
        candidates=_labels(*row[:_LABELS]),
        own=_labels(*row[end:]),
        released=arrays.floats(row[_LABELS]),
        similarities={
            (space.pk, kind, position): arrays.singles(sent)
            for (space, _, kind, position), sent in zip(wanted, row[_LABELS + 1 : end], strict=True)
        },
    )


def compared(vector: Vector) -> bool:
    """Whether candidates are compared with a vector."""
    return vector.kind in channels.COMPARED and vector.position < channels.INTERESTS


def _labels(
    ids: Sequence[str] | None, products: bytes, prices: bytes, categories: bytes, brands: bytes
) -> Labels:
    return Labels(
        ids=ids or (),
        products=arrays.ints(products),
        prices=arrays.singles(prices),
        labels={"category": arrays.ints(categories), "brand": arrays.ints(brands)},
    )


Wanted = tuple[tuple[ServingSpace, str, str, int], ...]


@lru_cache(maxsize=1000)
def _statement(wanted: Wanted, filter: None) -> bytes:  # noqa: A002
    return _compose(wanted, filter).as_bytes(None)


def _compose(wanted: Wanted, filter: Filter | None) -> sql.Composed:  # noqa: A002
    names = [sql.Identifier(f"s{place}") for place in range(len(wanted))]
    similarities = [_similarity(*each, name=name) for each, name in zip(wanted, names, strict=True)]
    condition: sql.Composable = VISIBLE
    if filter is not None:
        condition = sql.SQL("{} AND {}").format(VISIBLE, filter.condition)
    return _DESCRIBED.format(
        sent=_each(sql.SQL(", array_send(array_agg({}))").format(name) for name in names),
        product=_PRODUCT,
        similarities=_each(sql.SQL(", {}").format(each) for each in similarities),
        joins=_each(_join(space) for space in dict.fromkeys(space for space, *_ in wanted)),
        condition=condition,
    )


def _similarity(
    space: ServingSpace, source: str, kind: str, position: int, *, name: sql.Identifier
) -> sql.Composed:
    query = _QUERY.format(
        source=searching.source(space, source), kind=sql.Literal(kind), at=sql.Literal(position)
    )
    # Unit vectors in a space of cosines: there the inner product is the same, for a third of it.
    product = sql.SQL("-({vector}.embedding <#> {query})").format(
        vector=_vectors(space), query=query
    )
    return _SIMILARITY.format(similarity=product, name=name)


def _join(space: ServingSpace) -> sql.Composed:
    return sql.SQL("LEFT JOIN {vectors} {name} ON {name}.product_id = p.id").format(
        vectors=partitions.product_vectors(space.pk), name=_vectors(space)
    )


def _vectors(space: ServingSpace) -> sql.Identifier:
    return sql.Identifier(f"v{space.pk}")


def _each(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(" ").join(parts)
