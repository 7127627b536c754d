"""All that is known of candidates in PostgreSQL, by now and exactly: one statement."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from psycopg import sql

from recommender import arrays, database
from recommender.engine.candidates import Floats, Hydrated, Keys, ProductColumns, SpaceProfile
from recommender.engine.stored import popularity_label
from recommender.retrieval import filter_cache, vector_cache
from recommender.retrieval.filters import Filter
from recommender.spaces.serving import ServingSpace

# Arrays of ProductColumns, as they are sent.
_COLUMNS = 6

# Vectors that are not remembered come along, whether their product may be listed or not.
_HYDRATED = sql.SQL("""
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
           array_send(array_agg(category)), array_send(array_agg(brand)),
           array_send(array_agg(released))
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
""").format(category=popularity_label("category"), brand=popularity_label("brand"))


def hydrate(
    catalog_id: int,
    candidates: Keys,
    latest: Keys,
    profiles: Sequence[tuple[ServingSpace, SpaceProfile]],
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Hydrated:
    """Those of the candidates that are available and pass.

    Args:
        candidates: keys, ascending.
        latest: keys of the user's own products that say what their taste is.
        profiles: what candidates are compared with, by space.
    """
    spaces = tuple(space for space, _ in profiles)
    keys = candidates.tolist()
    known = [vector_cache.known(space, keys) for space in spaces]
    statement = _statement(spaces, None) if filter is None else _compose(spaces, filter)
    parameters = {
        "catalog": catalog_id,
        "candidates": database.array_text(keys),
        "own": database.array_text(np.union1d(latest, _anchors(profiles)).tolist()),
        **{_missing(vectors.space): database.array_text(vectors.missing) for vectors in known},
        **(filter.parameters if filter else {}),
    }
    row = database.fetch(statement, parameters)[0]
    listed, own = _columns(*row[:_COLUMNS]), _columns(*row[_COLUMNS : 2 * _COLUMNS])
    places = np.searchsorted(candidates, listed.products)
    similarities = {
        space.name: _similarities(profile, vectors.complete(sent)[places])
        for (space, profile), vectors, sent in zip(
            profiles, known, row[2 * _COLUMNS :], strict=True
        )
    }
    return Hydrated(
        products=listed,
        own=_of(own, latest),
        similarities=similarities,
        names=lambda: dict(zip(own.products.tolist(), own.ids, strict=True)),
    )


def _anchors(profiles: Sequence[tuple[ServingSpace, SpaceProfile]]) -> Keys:
    """The products that vectors of profiles stand for: explanations name them."""
    anchors = [vector.product_id for _, profile in profiles for vector in profile.vectors]
    return np.array(anchors, dtype=np.int64)


def _similarities(profile: SpaceProfile, near: Floats) -> Floats:
    """Inner products, which in a space of cosines are those: its vectors are of length one.

    Args:
        near: the candidates' vectors, shape (candidates, dimension).

    Returns:
        Shape (vectors of the profile, candidates).
    """
    similarities = np.empty((len(profile.vectors), len(near)), dtype=np.float32)
    for row, vector in enumerate(profile.vectors):
        # One by one: BLAS would share out a product of matrices among threads, which wait busily.
        np.vecdot(near, vector.vector, out=similarities[row])
    return similarities


def _of(columns: ProductColumns, products: Keys) -> ProductColumns:
    """The columns of these products, all of which are there, in their order."""
    rows, _ = arrays.places(columns.products, products)
    return ProductColumns(
        ids=[columns.ids[row] for row in rows],
        products=products,
        prices=columns.prices[rows],
        labels={name: labels[rows] for name, labels in columns.labels.items()},
        released=columns.released[rows],
    )


def _columns(
    ids: Sequence[str] | None,
    products: bytes,
    prices: bytes,
    categories: bytes,
    brands: bytes,
    released: bytes,
) -> ProductColumns:
    return ProductColumns(
        ids=ids or (),
        products=arrays.ints(products),
        prices=arrays.singles(prices),
        labels={"category": arrays.ints(categories), "brand": arrays.ints(brands)},
        released=arrays.floats(released),
    )


@lru_cache(maxsize=1000)
def _statement(spaces: tuple[ServingSpace, ...], filter: None) -> bytes:  # noqa: A002
    return _compose(spaces, filter).as_bytes(None)


def _compose(spaces: Iterable[ServingSpace], filter: Filter | None) -> sql.Composed:  # noqa: A002
    sent = [vector_cache.select(space, sql.Placeholder(_missing(space))) for space in spaces]
    return _HYDRATED.format(
        product=_PRODUCT,
        condition=filter_cache.condition(filter),
        vectors=sql.SQL("").join(sql.SQL(", {}").format(column) for column in sent),
    )


def _missing(space: ServingSpace) -> str:
    """The parameter of the products whose vectors in a space are to be sent."""
    return f"missing_{space.pk}"
