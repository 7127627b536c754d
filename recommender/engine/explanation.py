"""Why a product is in a list, or why not: of any pair, shown or not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from psycopg import sql

from recommender import database
from recommender.engine import recommend, source_scores
from recommender.engine.answer import MAX_COUNT, Answer, Query
from recommender.engine.candidates import Keys, UserContext
from recommender.engine.pipeline import Pipeline, Proposal
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.source_scores import SourceSays
from recommender.engine.stored import StoredUser, find_user
from recommender.engine.stored_ranker import ranker_of
from recommender.models import Catalog
from recommender.ranking.ranker import Ranker
from recommender.retrieval.filters import Filter


class Stage(StrEnum):
    """Where a product's way to the list ended."""

    LISTED = "listed"
    UNKNOWN = "unknown"
    DELETED = "deleted"
    OUT_OF_STOCK = "out_of_stock"
    EXCLUDED = "excluded"
    FILTER = "filter"
    FALLBACK = "fallback"
    NOT_PROPOSED = "not_proposed"
    FUSION = "fusion"
    RANK = "rank"
    RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """A product's score, and what contributes to it."""

    id: str
    place: int  # among all that were ranked, or listed
    score: float
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Had:
    """The latest event of a user with a product."""

    type: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of a product on the way to a list."""

    stage: Stage
    answer: Answer  # the list
    place: int | None = None  # in it
    had: Had | None = None
    conditions: Sequence[str] = ()  # those of the filter that it does not pass
    candidates: int = 0  # that were ranked
    worth: Worth | None = None
    last: Worth | None = None  # of the last that is listed
    sources: Sequence[SourceSays] = ()


@dataclass(frozen=True, slots=True)
class _Product:
    """A product that there is or was, and what it does not pass of a filter."""

    key: int
    is_deleted: bool
    in_stock: bool
    failed: Sequence[str]


_PRODUCT = sql.SQL("""
SELECT p.id, p.deleted_at IS NOT NULL, p.in_stock, ARRAY[{passed}]::boolean[]
FROM recommender_product p WHERE p.catalog_id = %(catalog)s AND p.external_id = %(product)s
""")
_HAD = """
SELECT e.type, e.at FROM recommender_event e
WHERE e.user_id = %s AND e.product_id = %s AND (%s::timestamptz IS NULL OR e.at < %s)
ORDER BY e.at DESC LIMIT 1
"""


def for_user(
    catalog: Catalog, user_id: str, product_id: str, query: Query, parts: Mapping[str, Filter]
) -> Explanation:
    """What becomes of a product in a user's list.

    Args:
        parts: of the query's filter, by where in the request each is.
    """
    answer = recommend.recommend(catalog, user_id, query)
    product = _find(catalog, product_id, parts)
    user = find_user(catalog, user_id, query)
    excluded = () if user is None else user.excluded.tolist()
    early = _early(answer, product_id, product, excluded)
    if early is not Stage.RANK or product is None or user is None or not user.history_version:
        had = _had(user, product, query) if user and product else None
        stage = Stage.FALLBACK if early is Stage.RANK else early
        return _told(stage, answer, product_id, product, had)
    store = PostgresStore(catalog=catalog, user=user, query=query)
    context, pipeline = store.context(), Pipeline(store, query.count)
    if not pipeline.is_personal(context):
        return _told(Stage.FALLBACK, answer, product_id, product)
    return _ranked(pipeline, context, ranker_of(user.ranker), answer, product)


def like(
    catalog: Catalog,
    seed_id: str,
    product_id: str,
    query: Query,
    parts: Mapping[str, Filter],
    similar: Callable[[Query], Answer],
) -> Explanation:
    """What becomes of a product among those that are similar to another.

    Args:
        similar: the list of those.
    """
    answer = similar(query)
    product = _find(catalog, product_id, parts)
    own = product.key if product is not None and product_id == seed_id else None
    stage = _early(answer, product_id, product, () if own is None else (own,))
    if stage is not Stage.RANK:
        return _told(stage, answer, product_id, product)
    # Further down a longer list it may be met.
    longer = similar(replace(query, count=MAX_COUNT))
    further = _worth(longer, product_id)
    stage = Stage.NOT_PROPOSED if further is None else Stage.RANK
    return Explanation(
        stage=stage,
        answer=answer,
        candidates=len(longer.items),
        worth=further,
        last=_last(answer),
    )


def _find(catalog: Catalog, product_id: str, parts: Mapping[str, Filter]) -> _Product | None:
    parameters: dict[str, Any] = {"catalog": catalog.pk, "product": product_id}
    for part in parts.values():
        parameters |= part.parameters
    passed = [sql.SQL("COALESCE({}, false)").format(part.condition) for part in parts.values()]
    rows = database.fetch(_PRODUCT.format(passed=sql.SQL(", ").join(passed)), parameters)
    for key, is_deleted, in_stock, passes in rows:
        failed = [where for where, does in zip(parts, passes, strict=True) if not does]
        return _Product(key, is_deleted, in_stock, failed)
    return None


def _early(
    answer: Answer, product_id: str, product: _Product | None, excluded: Sequence[int]
) -> Stage:
    """The stage at which it ends, as far as the product alone decides that; else RANK."""
    if any(item.id == product_id for item in answer.items):
        return Stage.LISTED
    if product is None:
        return Stage.UNKNOWN
    for ends, stage in (
        (product.is_deleted, Stage.DELETED),
        (not product.in_stock, Stage.OUT_OF_STOCK),
        (product.key in excluded, Stage.EXCLUDED),
        (bool(product.failed), Stage.FILTER),
    ):
        if ends:
            return stage
    return Stage.RANK


def _told(
    stage: Stage,
    answer: Answer,
    product_id: str,
    product: _Product | None,
    had: Had | None = None,
) -> Explanation:
    worth = _worth(answer, product_id)
    return Explanation(
        stage=stage,
        answer=answer,
        place=worth.place if worth else None,
        had=had,
        conditions=product.failed if product is not None else (),
        worth=worth,
        last=_last(answer),
    )


def _had(user: StoredUser, product: _Product, query: Query) -> Had | None:
    rows = database.fetch(_HAD, (user.pk, product.key, query.before, query.before))
    return Had(*rows[0]) if rows else None


def _worth(answer: Answer, product_id: str) -> Worth | None:
    """Of a product that is listed."""
    for place, item in enumerate(answer.items, start=1):
        if item.id == product_id:
            return Worth(
                id=item.id, place=place, score=item.score, contributions=item.contributions
            )
    return None


def _last(answer: Answer) -> Worth | None:
    return _worth(answer, answer.items[-1].id) if answer.items else None


def _ranked(
    pipeline: Pipeline, context: UserContext, ranker: Ranker, answer: Answer, product: _Product
) -> Explanation:
    """What becomes of a product that could be listed: it is ranked as if it were a candidate."""
    proposals = pipeline.proposals(context)
    fused = pipeline.fused(context, proposals)
    candidates = pipeline.candidates(context, np.array([product.key], dtype=np.int64))
    scored = ranker.scored(candidates.table)
    keys = candidates.table.products
    if product.key not in keys:  # sold out this moment
        return _told(Stage.OUT_OF_STOCK, answer, "", product)
    best_first = np.argsort(-scored.scores, kind="stable")
    places = {int(keys[row]): place for place, row in enumerate(best_first.tolist(), start=1)}
    ids = {name: row for row, name in enumerate(candidates.products.ids)}

    def worth(row: int) -> Worth:
        (contributions,) = scored.explain(np.array([row]))
        return Worth(
            id=candidates.products.ids[row],
            place=places[int(keys[row])],
            score=float(scored.scores[row]),
            contributions=contributions,
        )

    last = _last(answer)
    return Explanation(
        stage=_stage(product.key, proposals, fused, places[product.key] <= pipeline.count),
        answer=answer,
        candidates=len(candidates),
        worth=worth(int(np.flatnonzero(keys == product.key)[0])),
        last=worth(ids[last.id]) if last is not None and last.id in ids else last,
        sources=source_scores.of_product(pipeline, context, proposals, product.key),
    )


def _stage(key: int, proposals: Sequence[Proposal], fused: Keys, is_among_best: bool) -> Stage:
    if not any(key in proposal.products for proposal in proposals):
        return Stage.NOT_PROPOSED
    if key not in fused:
        return Stage.FUSION
    return Stage.RULES if is_among_best else Stage.RANK
