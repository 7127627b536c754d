"""What fills up a list that its placement does not want short."""

from dataclasses import replace

from recommender.api import queries, user_tokens
from recommender.api.auth import ApiRequest
from recommender.api.list_requests import ListRequest, RecommendationRequest
from recommender.api.placing import Of
from recommender.engine import backfill, charts, given_history
from recommender.engine.answer import Answer, Continuation, Item, Query, product_keys
from recommender.ranking.ranker import reciprocal_rank

# The charts of the engine, by the names of their operations.
CHARTS = {"popular": backfill.POPULAR, "trending": backfill.TRENDING, "new": backfill.NEWEST}


def filled(
    request: ApiRequest, answer: Answer, ask: ListRequest, of: Of, after: Continuation
) -> Answer:
    """The answer with the products of the placement's fallback behind its own.

    They pass the filter and the placement's conditions; what the user is not to see again is not
    among them.
    """
    name = ask.placing.fallback if ask.placing is not None else None
    missing = ask.count - len(answer.items)
    if name is None or missing <= 0:
        return answer
    catalog = request.auth.catalog
    query = _query(request, ask, of, after)
    shown = product_keys(catalog.pk, [item.id for item in answer.items])
    user = of.user_in(ask)
    if user is not None:
        may_know = user_tokens.may_know(request, user)
        asking = given_history.asker(catalog, user, replace(query, anonymous_only=not may_know))
        if asking.user is not None:
            shown += asking.user.excluded.tolist()
    given = product_keys(catalog.pk, [of.product]) if of.product else []
    beyond = Continuation(shown=(*after.shown, *shown, *given))
    rest = replace(query, rules=None, count=missing, after=beyond)
    more = charts.chart(catalog, CHARTS[name], None, rest)
    if not more.items:
        return answer
    items = _behind(answer.items, more.items)
    return replace(
        answer,
        items=items,
        complete=len(items) == ask.count,
        reason=more.reason,
        fallback=answer.fallback or name,
    )


def _query(request: ApiRequest, ask: ListRequest, of: Of, after: Continuation) -> Query:
    if isinstance(ask, RecommendationRequest):
        return queries.ranked_query(request.auth, ask, after, of.product)
    return queries.query_of(request.auth, ask, after, product=of.product)


def _behind(items: tuple[Item, ...], more: tuple[Item, ...]) -> tuple[Item, ...]:
    """All of them; the scores of those behind are by their places, and below the others'."""
    lowest = min((item.score for item in items), default=1.0)
    behind = []
    for place, item in enumerate(more, start=len(items) + 1):
        score = min(lowest, reciprocal_rank(place))
        behind.append(replace(item, score=score, contributions={item.source: score}))
    return (*items, *behind)
