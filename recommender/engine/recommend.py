"""Live answers: products for a user, and for what a request tells."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from recommender.engine import backfill, control, given_history, trace
from recommender.engine.answer import Answer, Query
from recommender.engine.control import Control
from recommender.engine.given_history import Asker, GivenEvent, with_history
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.stored_ranker import ranker_of, told_of_ranker
from recommender.models import Catalog
from recommender.spaces import switching

# How many of those that were ranked, but not listed, an answer tells for its next page.
_TAIL = 100


def recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The products for a user, best first.

    A user who is new, or of whose history nothing says what they like, gets what is popular; the
    answer says so in `fallback`, and a user nobody knows is in `missing_ids`. So does a user with
    a history of whom the caller may not ask: that answer depends on nothing that is known of them.
    """
    return switching.answered(partial(_recommend, catalog, external_id, query))


def recommend_to(catalog: Catalog, asking: Asker, query: Query) -> Answer:
    """The same for a user who was found already."""
    return switching.answered(partial(_recommend_to, catalog, asking, query))


def _recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    with trace.stage("user"):
        asking = given_history.asker(catalog, external_id, query)
    return _recommend_to(catalog, asking, query)


def _recommend_to(catalog: Catalog, asking: Asker, query: Query) -> Answer:
    user = asking.user
    if user is None:
        answer = replace(_fall_back(catalog, query), missing_ids=asking.missing)
        return replace(answer, fallback=asking.refusal) if asking.refusal else answer
    if not user.history_version:
        return _fall_back(catalog, query, excluded=user.excluded.tolist())
    return _for(PostgresStore(catalog=catalog, user=user, query=query))


def recommend_for(
    catalog: Catalog, given: Sequence[GivenEvent], query: Query, external_id: str | None = None
) -> Answer:
    """The products for products and events that are given, after what is stored of a user, if any.

    Ids of products and users that nobody knows are in `missing_ids`; of a user of whom the caller
    may not ask only what is given counts, and `degraded` says so.
    """
    return switching.answered(partial(_recommend_for, catalog, given, query, external_id))


def _recommend_for(
    catalog: Catalog, given: Sequence[GivenEvent], query: Query, external_id: str | None
) -> Answer:
    asking = given_history.asker(catalog, external_id, query)
    degraded = {"user": asking.refusal} if asking.refusal else {}
    user, unknown = with_history(catalog, asking.user, given, query)
    answer = _for(PostgresStore(catalog=catalog, user=user, query=query, is_given=True))
    return replace(
        answer, missing_ids=(*asking.missing, *unknown), degraded={**answer.degraded, **degraded}
    )


def _for(store: PostgresStore) -> Answer:
    """The list of a store's user, filled up; what is popular where nothing tells their taste."""
    catalog, user, query = store.catalog, store.user, store.query
    excluded = user.excluded.tolist()
    with trace.stage("context"):
        context, ranker = store.context(), ranker_of(user.ranker)
        if trace.is_recording():
            trace.note(**told_of_ranker(ranker, user.ranker))
    rules = None
    if query.rules is not None:
        rules = Control(catalog, query, user=user.pk, excluded=excluded, spaces=user.spaces)
    tail = np.array(query.after.tail, dtype=np.int64)
    pipeline = Pipeline(store, query.count, rules)
    ranked = pipeline.ranked(context, ranker, explain=True, spare=_TAIL, tail=tail)
    if not ranked.items:
        return _fall_back(catalog, query, excluded=excluded)
    by_id = {item.id: item for item in ranked.items}
    if rules is None:
        backfill.fill(catalog, by_id, query, excluded=excluded, filter=query.filter)
    else:
        rules.fill(by_id)
    answer = backfill.complete(
        catalog,
        list(by_id.values()),
        query,
        excluded=excluded,
        spaces=tuple(sorted(space.label for space in user.spaces)),
    )
    if rules is not None:
        answer = rules.told(answer)
    return replace(answer, tail=tuple(ranked.tail.tolist()), ranker=user.ranker)


def _fall_back(catalog: Catalog, query: Query, excluded: Sequence[int] = ()) -> Answer:
    """What is popular, then what is new, by the rules of the query."""
    make = partial(backfill.fall_back, catalog, excluded=excluded)
    return control.controlled(catalog, query, make, excluded=excluded)
