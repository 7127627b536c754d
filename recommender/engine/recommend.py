"""Products for a user, live."""

from functools import partial

from recommender.engine import backfill, rankers, stored_user
from recommender.engine.answer import Answer, Query
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.models import Catalog
from recommender.spaces import serving


def recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The products for a user, best first.

    A user who is new, or of whose history nothing says what they like, gets what is popular; the
    answer says so in `fallback`, and a user nobody knows is in `missing_ids`.
    """
    return serving.answered(partial(_recommend, catalog, external_id, query))


def _recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    user = stored_user.find(catalog, external_id, query)
    if user is None:
        return backfill.fall_back(catalog, query, missing_ids=(external_id,))
    excluded = user.excluded.tolist()
    items = []
    if user.history_version:
        store = PostgresStore(catalog=catalog, user=user, query=query)
        pipeline = Pipeline(store, query.count)
        items = pipeline.recommend(store.context(), rankers.of(user.ranker), explain=True)
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
