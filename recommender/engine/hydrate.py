"""All that is known of candidates in PostgreSQL, by now and exactly: one statement."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from psycopg import sql

from recommender import arrays, database
from recommender.engine import trace
from recommender.engine.candidates import (
    Cause,
    Floats,
    Hydrated,
    Keys,
    ProductColumns,
    SpaceProfile,
    UserContext,
)
from recommender.engine.stored import popularity_label
from recommender.retrieval import filter_cache, vector_cache
from recommender.retrieval.filters import Filter
from recommender.spaces.switching import ServingSpace

# The arrays of ProductColumns, each column with the prefix of whose products they are.
_COLUMNS = """
array_agg(external_id) AS {0}_ids, array_send(array_agg(id)) AS {0}_products,
array_send(array_agg(price)) AS {0}_prices, array_send(array_agg(category)) AS {0}_categories,
array_send(array_agg(brand)) AS {0}_brands, array_send(array_agg(released)) AS {0}_released
"""
_LISTED, _OWN = "listed", "own"

# Vectors that are not remembered come along, whether their product may be listed or not. The listed
# come by key whatever the plan: of equal scores, the first is the better one.
_HYDRATED = sql.SQL("""
SELECT c.*, o.* {vectors} FROM (
    SELECT {listed}
    FROM (
        SELECT p.id, p.external_id, {product}
        FROM unnest(%(candidates)s::bigint[]) AS wanted(id)
        JOIN recommender_product p ON p.id = wanted.id
        WHERE p.catalog_id = %(catalog)s AND {condition} ORDER BY p.id
    ) c
) c, (
    SELECT {own}, {titles} AS titles
    FROM (
        SELECT p.id, p.external_id, p.title, {product}
        FROM unnest(%(own)s::bigint[]) AS own(id) JOIN recommender_product p ON p.id = own.id
    ) o
) o
""")

# Of candidates, one row: how many are deleted, out of stock, and how many do not pass the filter.
_DROPPED = sql.SQL("""
SELECT count(*) FILTER (WHERE p.deleted_at IS NOT NULL),
    count(*) FILTER (WHERE p.deleted_at IS NULL AND NOT p.in_stock),
    count(*) FILTER (WHERE {visible} AND NOT COALESCE({passes}, false))
FROM recommender_product p WHERE p.catalog_id = %(catalog)s AND p.id = ANY(%(dropped)s::bigint[])
""")

_PRODUCT = sql.SQL("""
COALESCE(ln(NULLIF(p.price::float8, 0)), 'NaN')::float4 AS price,
{category} AS category, {brand} AS brand,
COALESCE(extract(epoch FROM p.released_at), 'NaN')::float8 AS released
""").format(category=popularity_label("category"), brand=popularity_label("brand"))


def hydrate(
    catalog_id: int,
    candidates: Keys,
    context: UserContext,
    profiles: Sequence[tuple[ServingSpace, SpaceProfile]],
    filter: Filter | None,  # noqa: A002 - the API's word
    *,
    named: bool,
) -> Hydrated:
    """Those of the candidates that are available and pass.

    Args:
        candidates: keys, ascending.
        context: whose own products say what their taste is.
        profiles: what candidates are compared with, by space.
        named: whether titles of the own products come along.
    """
    spaces = tuple(space for space, _ in profiles)
    keys = candidates.tolist()
    known = [vector_cache.known(space, keys) for space in spaces]
    condition = filter_cache.condition(filter).as_string(None)
    statement = _statement(spaces, condition, named=named)
    parameters = {
        "catalog": catalog_id,
        "candidates": database.array_text(keys),
        "own": database.array_text(np.union1d(context.own.latest, _anchors(profiles)).tolist()),
        **{_missing(vectors.space): database.array_text(vectors.missing) for vectors in known},
        **(filter.parameters if filter else {}),
    }
    row = database.fetch_named(statement, parameters)[0]
    listed, own = _columns(row, _LISTED), _columns(row, _OWN)
    if trace.is_recording():
        _note_dropped(catalog_id, np.setdiff1d(candidates, listed.products), filter)
    places = np.searchsorted(candidates, listed.products)
    similarities = {
        space.name: _similarities(
            profile, arrays.widened(vectors.complete(getattr(row, _sent(space)))[places])
        )
        for (space, profile), vectors in zip(profiles, known, strict=True)
    }
    return Hydrated(
        products=listed,
        own=_of(own, context.own.latest),
        similarities=similarities,
        causes=partial(_causes, own, row.titles, context.strongest_events),
    )


def _note_dropped(catalog_id: int, dropped: Keys, filter: Filter | None) -> None:  # noqa: A002
    """Say why these are no candidates any more, where anybody asks."""
    parameters = {
        "catalog": catalog_id,
        "dropped": database.array_text(dropped.tolist()),
        **(filter.parameters if filter else {}),
    }
    passes = filter.condition if filter else sql.SQL("true")
    statement = _DROPPED.format(visible=filter_cache.VISIBLE, passes=passes)
    deleted, out_of_stock, not_passing = database.fetch(statement, parameters)[0]
    trace.note(deleted=deleted, out_of_stock=out_of_stock, not_passing=not_passing)


def _causes(
    own: ProductColumns, titles: Sequence[str] | None, events: Mapping[int, str]
) -> dict[int, Cause]:
    """Own products as an explanation tells of them."""
    return {
        key: Cause(name, title, events.get(key, ""))
        for key, name, title in zip(
            own.products.tolist(), own.ids, titles or [""] * len(own.ids), strict=True
        )
    }


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


def _columns(row: Any, prefix: str) -> ProductColumns:
    def sent(name: str) -> Any:
        return getattr(row, f"{prefix}_{name}")

    return ProductColumns(
        ids=sent("ids") or (),
        products=arrays.ints(sent("products")),
        prices=arrays.singles(sent("prices")),
        labels={"category": arrays.ints(sent("categories")), "brand": arrays.ints(sent("brands"))},
        released=arrays.floats(sent("released")),
    )


@lru_cache(maxsize=1000)
def _statement(spaces: tuple[ServingSpace, ...], condition: str, *, named: bool) -> bytes:
    vectors = [
        sql.SQL(", {} AS {}").format(
            vector_cache.select(space, sql.Placeholder(_missing(space))),
            sql.Identifier(_sent(space)),
        )
        for space in spaces
    ]
    return _HYDRATED.format(
        product=_PRODUCT,
        condition=sql.SQL(condition),
        listed=sql.SQL(_COLUMNS.format(_LISTED)),
        own=sql.SQL(_COLUMNS.format(_OWN)),
        titles=sql.SQL("array_agg(title)" if named else "NULL::text[]"),
        vectors=sql.SQL("").join(vectors),
    ).as_bytes(None)


def _sent(space: ServingSpace) -> str:
    """The column of the vectors in a space."""
    return f"vectors_{space.pk}"


def _missing(space: ServingSpace) -> str:
    """The parameter of the products whose vectors in a space are to be sent."""
    return f"missing_{space.pk}"
