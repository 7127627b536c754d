"""A user's history as arrays, read for many users in one query."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import numpy as np

from recommender import database
from recommender.profiles.profile import History

# A profile reads this many of a user's latest events; more say nothing new about taste.
MAX_EVENTS = 500

_HISTORY = """
SELECT u.id, e.product_id, e.type, e.value, extract(epoch FROM e.at)::float8
FROM unnest(%(users)s::bigint[]) AS u(id) CROSS JOIN LATERAL (
    SELECT product_id, type, value, at FROM recommender_event
    WHERE user_id = u.id AND product_id IS NOT NULL AND at < %(before)s
    ORDER BY at DESC, id LIMIT %(limit)s
) e
"""

# A rating of five stars is as good as this one is far from it; below, it is a bad one.
NEUTRAL_RATING = 2.5

# Far enough to mean "no bound", and a month no partition has.
_FOREVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def event_weight(kind: str, value: float | None, weights: dict[str, float]) -> float:
    """What one event says about taste: its type's weight, scaled by its value where it has one.

    A rating counts from −1 to 1 on a scale of five stars; a view_portion by the part seen.
    """
    weight = float(weights.get(kind, 0.0))
    if value is None:
        return weight
    if kind == "rating":
        return weight * max(-1.0, min(1.0, (value - NEUTRAL_RATING) / NEUTRAL_RATING))
    if kind == "view_portion":
        return weight * max(0.0, min(1.0, value))
    return weight


def load(
    user_ids: Sequence[int], weights: dict[str, float], before: datetime | None = None
) -> dict[int, History]:
    """The histories of these users, strictly before a time; users without events are absent."""
    parameters = {"users": list(user_ids), "before": before or _FOREVER, "limit": MAX_EVENTS}
    rows = database.fetch(_HISTORY, parameters)
    rows.sort(key=lambda row: (row[0], -row[4]))
    return {user: _history(list(events), weights) for user, events in groupby(rows, itemgetter(0))}


def _history(
    events: list[tuple[int, int, str, float | None, float]], weights: dict[str, float]
) -> History:
    return History(
        product_ids=np.array([event[1] for event in events], dtype=np.int64),
        weights=np.array([event_weight(event[2], event[3], weights) for event in events]),
        times=np.array([event[4] for event in events]),
    )
