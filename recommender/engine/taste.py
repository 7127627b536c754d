"""Whose taste counts beside a text, and what it says of the products that were found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.engine.answer import Query
from recommender.engine.given_history import GivenEvent, asker, with_history
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.stored import StoredUser
from recommender.engine.stored_ranker import ranker_of
from recommender.models import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """Somebody whose taste counts; None where nobody's does, and why."""

    user: StoredUser | None
    is_given: bool  # whether the request told some of the history
    missing: tuple[str, ...] = ()  # ids that nobody knows
    degraded: str | None = None  # why a user does not count

    def worths(
        self, catalog: Catalog, products: Sequence[int], query: Query
    ) -> Mapping[int, float]:
        """Of products by key, their places in the rank that lists for the user have: the best 1."""
        if self.user is None or not products:
            return {}
        store = PostgresStore(catalog=catalog, user=self.user, query=query, is_given=self.is_given)
        pipeline, context = Pipeline(store, query.count), store.context()
        if not pipeline.is_personal(context):
            return {}
        table = pipeline.candidates_of(context, np.sort(np.array(products, dtype=np.int64))).table
        scores = ranker_of(self.user.ranker).score(table)
        best_first = table.products[np.argsort(-scores, kind="stable")].tolist()
        step = 1.0 / max(1, len(best_first))
        return {key: step * (len(best_first) - place) for place, key in enumerate(best_first)}


def of(
    catalog: Catalog, external_id: str | None, given: Sequence[GivenEvent], query: Query
) -> Taste:
    """The taste of a user, of what a request tells, or of both, the latter being later."""
    asking = asker(catalog, external_id, query)
    user, missing = asking.user, asking.missing
    if given:
        user, unknown = with_history(catalog, user, given, query)
        missing = (*missing, *unknown)
    elif user is not None and not user.history_version:
        user = None
    return Taste(user=user, is_given=bool(given), missing=missing, degraded=asking.refusal)
