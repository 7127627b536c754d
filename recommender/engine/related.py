"""Products like a product: by content alone in one search, by a blend through the pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from psycopg import sql

from recommender.engine import backfill, control, trace
from recommender.engine.answer import SEEN, Answer, Item, Query, UnknownProductError
from recommender.engine.candidates import SEED, Cause
from recommender.engine.config import RELATED
from recommender.engine.given_history import GivenEvent, with_history
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.stored import StoredUser
from recommender.models import Catalog, Space
from recommender.ranking.related import (
    BEHAVIOUR,
    CONTENT_ALONE,
    COOCCURRENCE,
    Blend,
    RelatedRanker,
)
from recommender.retrieval import seed
from recommender.retrieval.filters import Filter
from recommender.retrieval.vector_search import Neighbour
from recommender.spaces import switching

# As `degraded`: no training has learnt what was asked to count.
NOT_LEARNT = "not_learnt"
# The similarities whose relevance is 0 and 1; a blend has no such scale.
_COSINES = (0.0, 1.0)


def similar(catalog: Catalog, external_id: str, query: Query, asked: Blend | None = None) -> Answer:
    """The available products most like this one.

    By the blend that is asked for, else by the one that training chose, else by content alone: the
    cosine in the active space of texts. A product of which nothing is known yet is answered with
    what is popular in its category.

    Raises:
        UnknownProductError: where the catalog has no such product.
    """
    blend = asked or learnt_blend(catalog, query)
    make = partial(_by_blend, catalog, external_id, blend, asked)
    scale = _COSINES if blend.is_content_alone else None
    return control.controlled(catalog, query, make, scale=scale)


def learnt_blend(catalog: Catalog, query: Query) -> Blend:
    """What training chose for similar products; of a past day it has seen what was to come."""
    weights: Mapping[str, float] = catalog.similar_blend
    return Blend(**weights) if weights and query.before is None else CONTENT_ALONE


def _by_blend(
    catalog: Catalog, external_id: str, blend: Blend, asked: Blend | None, query: Query
) -> Answer:
    if not blend.is_content_alone:
        return switching.answered(partial(_blended, catalog, external_id, query, blend, asked))
    return switching.answered(
        partial(_similar, catalog, external_id, query),
        again=partial(_similar_step_by_step, catalog, external_id, query),
    )


def _blended(
    catalog: Catalog, external_id: str, query: Query, blend: Blend, asked: Blend | None
) -> Answer:
    """By the pipeline: the list of somebody who likes nothing but this product."""
    given = [GivenEvent(product=external_id, weight=1.0)]
    user, missing = with_history(catalog, None, given, replace(query, exclude=frozenset({SEEN})))
    if missing:
        raise UnknownProductError(external_id)
    return _like(catalog, user, external_id, query, blend, asked)


def like(catalog: Catalog, seeded: StoredUser, external_id: str, query: Query) -> Answer:
    """The same as `similar`, of a product that is known; no rules make it.

    Args:
        seeded: who likes nothing but the product, as `given_history` has read them.
    """
    blend = learnt_blend(catalog, query)
    if blend.is_content_alone:
        return similar(catalog, external_id, query)
    return switching.answered(partial(_like, catalog, seeded, external_id, query, blend, None))


def _like(
    catalog: Catalog,
    user: StoredUser,
    external_id: str,
    query: Query,
    blend: Blend,
    asked: Blend | None,
) -> Answer:
    store = PostgresStore(catalog=catalog, user=user, query=query, is_given=True, config=RELATED)
    pipeline = Pipeline(store, query.count)
    items = pipeline.recommend(store.context(), RelatedRanker(blend), explain=True)
    if not items:
        return _similar_step_by_step(catalog, external_id, query)
    answer = backfill.complete(
        catalog,
        items,
        query,
        excluded=user.excluded.tolist(),
        spaces=tuple(sorted(space.label for space in user.spaces)),
    )
    lacking = _not_learnt(user, asked) if asked else {}
    return replace(answer, degraded={**answer.degraded, **lacking})


def _not_learnt(user: StoredUser, asked: Blend) -> dict[str, str]:
    """What was asked to count and cannot, since nothing has learnt it yet."""
    has_behaviour = any(space.kind == Space.Kind.BEHAVIOUR for space in user.spaces)
    lacking = {BEHAVIOUR: not has_behaviour, COOCCURRENCE: not user.knows_neighbours}
    return {kind: NOT_LEARNT for kind, lacks in lacking.items() if lacks and asked.weights[kind]}


def _similar(catalog: Catalog, external_id: str, query: Query) -> Answer:
    if query.filter is None and not query.named and not query.after.shown:
        # Nearly always all that is needed. One more than asked: the nearest of all is the seed.
        with trace.stage("nearest"):
            space, near = seed.nearest_at_once(catalog.pk, external_id, query.count + 1)
        items = _similar_items(near, Cause(external_id, event=SEED), query)
        if space and len(items) == query.count:
            return backfill.complete(catalog, items, query, spaces=(space.label,))
    return _similar_step_by_step(catalog, external_id, query)


def _similar_step_by_step(catalog: Catalog, external_id: str, query: Query) -> Answer:
    found = seed.find(catalog.pk, external_id)
    if found is None:
        raise UnknownProductError(external_id)
    cause = Cause(found.id, found.title if query.named else "", SEED)
    with trace.stage("nearest"):
        near = seed.nearest(found, query.count + 1, query.filter, query.after.shown)
        trace.note(found=len(near))
    items = _similar_items(near, cause, query)
    if found.space and items:
        spaces = (found.space.label,)
        return backfill.complete(catalog, items, query, excluded=(found.key,), spaces=spaces)
    filters = _category_first(found.category, query.filter)
    return backfill.fall_back(catalog, query, excluded=(found.key,), filters=filters)


def _similar_items(near: Sequence[Neighbour], cause: Cause, query: Query) -> list[Item]:
    """The neighbours as an answer has them, without the seed itself."""
    because = (cause.id,)
    return [
        Item(n.external_id, n.similarity, "text", {"text": n.similarity}, because, cause=cause)
        for n in near
        if n.external_id != cause.id
    ][: query.count]


def _category_first(category: str, given: Filter | None) -> list[Filter | None]:
    """The product's own category, then without it."""
    if not category:
        return [given]
    condition = sql.SQL("p.category = %(seed_category)s")
    return [Filter(condition, {"seed_category": category}, "") & given, given]
