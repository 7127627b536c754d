"""Replaying the past: what a space would have recommended, against what users then did.

History is cut at one time for all. Profiles, popularity and what a user has had are those of
that time, made by the code that serves; the products a user came to afterwards, and had not had
before, are what the lists should hold. So nothing of the future leaks into them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.engine import batch
from recommender.engine.answer import Query
from recommender.engine.batch import Recommendation
from recommender.engine.stored import own_types
from recommender.models import Catalog, Space
from recommender.ranking import metrics
from recommender.ranking.metrics import Interval

K = 20
_MAX_USERS = 500
# Of the latest so many events this share is history, and the rest is what came then.
_EVENTS = 200_000
_HISTORY_SHARE = 0.8

_CUT_OFF = """
SELECT percentile_disc(%(share)s) WITHIN GROUP (ORDER BY at) FROM (
    SELECT at FROM recommender_event
    WHERE catalog_id = %(catalog)s AND product_id IS NOT NULL AND type = ANY(%(positive)s)
    ORDER BY at DESC LIMIT %(events)s
) latest
"""

# In the order of a hash: a sample that is no one's friends and the same each time.
_HELD_OUT = """
SELECT u.external_id, held.products FROM (
    SELECT e.user_id, array_agg(DISTINCT p.external_id) AS products
    FROM recommender_event e JOIN recommender_product p ON p.id = e.product_id
    WHERE e.catalog_id = %(catalog)s AND e.at >= %(cut_off)s AND e.type = ANY(%(positive)s)
      AND p.deleted_at IS NULL AND p.in_stock AND NOT EXISTS (
        SELECT FROM recommender_event had
        WHERE had.user_id = e.user_id AND had.product_id = e.product_id
          AND had.type = ANY(%(own)s) AND had.at < %(cut_off)s)
    GROUP BY e.user_id
) held JOIN recommender_user u ON u.id = held.user_id
WHERE EXISTS (
    SELECT FROM recommender_event before
    WHERE before.user_id = u.id AND before.at < %(cut_off)s AND before.product_id IS NOT NULL
      AND before.type = ANY(%(positive)s))
ORDER BY hashtext(u.external_id), u.id LIMIT %(users)s
"""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The time that history is cut at, and the new products each user came to from then on."""

    cut_off: datetime | None
    products: Mapping[str, frozenset[str]]

    @property
    def shortage(self) -> str | None:
        """Why nothing can be concluded; None where there is enough."""
        if len(self.products) >= metrics.MIN_USERS:
            return None
        users = "1 user has" if len(self.products) == 1 else f"{len(self.products)} users have"
        return (
            f"Too little history: {users} events before and new products after a cut-off, and at "
            f"least {metrics.MIN_USERS} are needed."
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """Each user's scores in one space, shape (users,) each, in the order of what was held out."""

    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]
    hit_rate: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quality:
    """The means over the users, with their intervals, at 20 products a list."""

    ndcg: Interval
    recall: Interval
    hit_rate: Interval


def hold_out(catalog: Catalog) -> HeldOut:
    """What to test on: up to 500 users with a history before and new products after a cut-off."""
    positive = [kind for kind, weight in catalog.event_weights.items() if weight > 0]
    parameters = {"catalog": catalog.pk, "positive": positive}
    cut = {**parameters, "share": _HISTORY_SHARE, "events": _EVENTS}
    cut_off = database.fetch(_CUT_OFF, cut)[0][0]
    if cut_off is None:
        return HeldOut(None, {})
    own = own_types(catalog, _query(cut_off))
    rows = database.fetch(
        _HELD_OUT, {**parameters, "cut_off": cut_off, "own": own, "users": _MAX_USERS}
    )
    return HeldOut(cut_off, {user: frozenset(products) for user, products in rows})


def replay(space: Space, held_out: HeldOut) -> Replayed:
    """The scores of what this space would have recommended at the cut-off."""
    source = batch.alone(space, held_out.cut_off)
    lists = batch.recommend_many(source, iter(held_out.products), _query(held_out.cut_off))
    measured = [_measured(listed, held_out) for listed in lists]
    return Replayed(
        ndcg=np.array([scores.ndcg for scores in measured]),
        recall=np.array([scores.recall for scores in measured]),
        hit_rate=np.array([scores.hit_rate for scores in measured]),
    )


def leakage(spaces: Sequence[Space], held_out: HeldOut) -> str | None:
    """Why these spaces cannot be evaluated on what was held out; None where they can."""
    cut_off = held_out.cut_off
    for space in spaces:
        if cut_off and space.trained_until and space.trained_until > cut_off:
            return (
                f"{space} has learnt from what it would be evaluated on. How it did against the "
                "version before is in the training that made it."
            )
    return None


def quality(replayed: Replayed) -> Quality:
    """The means, with how sure they are."""
    return Quality(
        metrics.interval(replayed.ndcg),
        metrics.interval(replayed.recall),
        metrics.interval(replayed.hit_rate),
    )


def difference(first: Replayed, second: Replayed) -> Quality:
    """How much better the second is, user by user: surer than two means side by side."""
    return Quality(
        metrics.interval(second.ndcg - first.ndcg),
        metrics.interval(second.recall - first.recall),
        metrics.interval(second.hit_rate - first.hit_rate),
    )


def _query(cut_off: datetime | None) -> Query:
    return Query(count=K, before=cut_off)


def _measured(listed: Recommendation, held_out: HeldOut) -> metrics.ListMetrics:
    return metrics.list_metrics(
        [item.id for item in listed.items], held_out.products[listed.user], K
    )
