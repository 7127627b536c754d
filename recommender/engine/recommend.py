"""Live answers: products for a user, and products like a product."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

from psycopg import sql

from recommender import database
from recommender.engine import backfill
from recommender.engine.answer import Answer, Item, Query, UnknownProductError
from recommender.engine.candidates import SEED, Cause
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.stored import find_user, ranker_of
from recommender.models import Catalog
from recommender.retrieval import vector_search
from recommender.retrieval.filters import Filter
from recommender.retrieval.vector_search import Neighbour, QueryVectors
from recommender.spaces import partitions, switching
from recommender.spaces.switching import ServingSpace

# As `fallback`: what is popular, since nobody vouches that it is the user who asks.
NO_USER_TOKEN = "no_user_token"  # noqa: S105 - a word, not a password


def recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The products for a user, best first.

    A user who is new, or of whose history nothing says what they like, gets what is popular; the
    answer says so in `fallback`, and a user nobody knows is in `missing_ids`. So does a user with
    a history of whom the caller may not ask: that answer depends on nothing that is known of them.
    """
    return switching.answered(partial(_recommend, catalog, external_id, query))


def _recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    user = find_user(catalog, external_id, query)
    if user is None:
        return backfill.fall_back(catalog, query, missing_ids=(external_id,))
    if query.anonymous_only and not user.is_anonymous:
        return replace(backfill.fall_back(catalog, query), fallback=NO_USER_TOKEN)
    excluded = user.excluded.tolist()
    items = []
    if user.history_version:
        store = PostgresStore(catalog=catalog, user=user, query=query)
        pipeline = Pipeline(store, query.count)
        items = pipeline.recommend(store.context(), ranker_of(user.ranker), explain=True)
    if not items:
        return backfill.fall_back(catalog, query, excluded=excluded)
    by_id = {item.id: item for item in items}
    backfill.fill(catalog, by_id, query, excluded=excluded, filter=query.filter)
    return backfill.complete(
        catalog,
        list(by_id.values()),
        query,
        excluded=excluded,
        spaces=tuple(sorted(space.label for space in user.spaces)),
    )


# The seed and the space that serves in one round trip; no row where the seed is unknown.
_SEED = f"""
SELECT p.id, p.category, p.title, {switching.SERVING_COLUMNS} FROM recommender_product p
LEFT JOIN recommender_space s
    ON s.catalog_id = p.catalog_id AND s.name = 'text' AND s.status = 'active'
WHERE p.catalog_id = %s AND p.external_id = %s AND p.deleted_at IS NULL
"""  # noqa: S608 - built from constants

_VECTOR = sql.SQL(
    "SELECT 0, 1::float8, NULL::bigint, embedding FROM {} WHERE product_id = %(seed)s "
    "AND embedding IS NOT NULL"
)
_PRODUCT_VECTOR = sql.SQL("""
SELECT 0, 1::float8, NULL::bigint, v.embedding FROM recommender_product p
JOIN {} v ON v.product_id = p.id AND v.embedding IS NOT NULL
WHERE p.catalog_id = %(catalog)s AND p.external_id = %(product)s AND p.deleted_at IS NULL
""")


def similar(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The available products most like this one, by cosine similarity in the active space.

    A product that has no vector yet is answered with what is popular in its category.

    Raises:
        UnknownProductError: where the catalog has no such product.
    """
    return switching.answered(
        partial(_similar, catalog, external_id, query),
        again=partial(_similar_step_by_step, catalog, external_id, query),
    )


# By catalog, the space that served last. What is asked of it asks, too, whether it still does.
_served: dict[int, ServingSpace] = {}


def _similar(catalog: Catalog, external_id: str, query: Query) -> Answer:
    served = _served.get(catalog.pk)
    if served is not None and query.filter is None and not query.named:
        # Nearly always all that is needed, in one round trip.
        near = _nearest_at_once(served, external_id, query.count + 1)
        items = _similar_items(near, Cause(external_id, event=SEED), query)
        if len(items) == query.count:
            return backfill.complete(catalog, items, query, spaces=(served.label,))
    return _similar_step_by_step(catalog, external_id, query)


def _similar_step_by_step(catalog: Catalog, external_id: str, query: Query) -> Answer:
    rows = database.fetch(_SEED, (catalog.pk, external_id))
    if not rows:
        raise UnknownProductError(external_id)
    seed, category, title, *columns = rows[0]
    space = ServingSpace(*columns) if columns[0] is not None else None
    if space is not None:
        _served[catalog.pk] = space
    near = _neighbours(space, seed, query) if space else []
    cause = Cause(external_id, title if query.named else "", SEED)
    items = _similar_items(near, cause, query)
    if space and items:
        return backfill.complete(catalog, items, query, excluded=(seed,), spaces=(space.label,))
    return backfill.fall_back(
        catalog, query, excluded=(seed,), filters=_category_first(category, query.filter)
    )


def _similar_items(near: Sequence[Neighbour], seed: Cause, query: Query) -> list[Item]:
    """The neighbours as an answer has them, without the product itself."""
    because = (seed.id,)
    return [
        Item(n.external_id, n.similarity, "text", {"text": n.similarity}, because, cause=seed)
        for n in near
        if n.external_id != seed.id
    ][: query.count]


def _nearest_at_once(space: ServingSpace, external_id: str, limit: int) -> list[Neighbour]:
    """What is nearest to a product, found by its id; nothing where the space no longer serves."""
    select, condition = _product_select(space)
    parameters = {"catalog": space.catalog_id, "product": external_id}
    vectors = QueryVectors("product", select, parameters, condition)
    return vector_search.nearest_if_current(space, vectors, limit=limit)


@lru_cache(maxsize=10_000)
def _product_select(space: ServingSpace) -> tuple[sql.Composed, sql.Composed]:
    vectors = partitions.product_vectors(space.pk)
    return _PRODUCT_VECTOR.format(vectors), switching.still_serves(space)


def _neighbours(space: ServingSpace, seed: int, query: Query) -> list[Neighbour]:
    vectors = QueryVectors("seed", _seed_select(space.pk), {"seed": seed})
    # One more than asked: the nearest of all is the product itself.
    return vector_search.nearest(space, vectors, limit=query.count + 1, filter=query.filter)


@cache
def _seed_select(space_id: int) -> sql.Composed:
    return _VECTOR.format(partitions.product_vectors(space_id))


def _category_first(category: str, given: Filter | None) -> list[Filter | None]:
    """The product's own category, then without it."""
    if not category:
        return [given]
    condition: sql.Composable = sql.SQL("p.category = %(seed_category)s")
    parameters: dict[str, Any] = {"seed_category": category}
    if given is not None:
        condition = sql.SQL("{} AND {}").format(condition, given.condition)
        parameters |= given.parameters
    return [Filter(condition, parameters, ""), given]
