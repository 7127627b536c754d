"""The one reader of what users did: which events count, how much, and a user's latest of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from psycopg import sql

from recommender import database
from recommender.behaviour.interactions import MAX_EVENTS, History

# A smaller part seen is none: its weight would be no number of single precision, as batches have.
_LEAST_PORTION = 1e-6

_SCALE = sql.SQL("""
CASE e.type
    WHEN 'rating' THEN CASE WHEN e.value IS NULL THEN 1 ELSE greatest(-1, least(1,
        (2 * greatest({worst}, least({best}, e.value)) - {worst} - {best}) / ({best} - {worst})
    )) END
    WHEN 'view_portion' THEN
        CASE WHEN e.value < {least} THEN 0 ELSE COALESCE(least(1, e.value), 1) END
    ELSE 1
END
""")


def weight(of_type: sql.Composable, *, worst: sql.Composable, best: sql.Composable) -> sql.Composed:
    """The SQL of what an event `e` says of taste: its type's weight, scaled by its value.

    A rating counts from −1, the worst of the catalog's scale, to 1, the best; a view_portion by
    the part seen. An event of weight 0, such as an impression or a view of nothing, says nothing:
    it is in no history, no profile and no popularity, and makes no profile stale. Of a user's
    ratings of a product only the last counts, so one that says nothing still takes back those
    before it.

    Args:
        of_type: SQL of the weight of the event's type.
        worst: SQL of the worst rating of the catalog.
        best: SQL of the best.
    """
    scale = _SCALE.format(worst=worst, best=best, least=sql.Literal(_LEAST_PORTION))
    return sql.SQL("({} * {})").format(of_type, scale)


# Of a catalog `c` and an event `e`.
_OF_TYPE = sql.SQL("COALESCE((c.event_weights ->> e.type)::float8, 0)")
WEIGHT = weight(_OF_TYPE, worst=sql.SQL("c.rating_min"), best=sql.SQL("c.rating_max"))
# Whether it changes a history: a rating that says nothing takes back the one before it.
MATTERS = sql.SQL("({} <> 0 OR e.type = 'rating' AND {} <> 0)").format(WEIGHT, _OF_TYPE)

# Of two events `e` of one user at one time, the one with the smaller number is read first. It tells
# nothing of the products: by their keys, products would tie in the same order for many users, and
# what one lacks another would, too, a pattern that a ranker learns. Where these numbers are equal
# the greater weight is first, and events that are still equal can stand for each other.
TIE_BREAKER = sql.SQL("hashint8extended(e.product_id, e.user_id)")

# The latest events that count of a user `u` of a catalog `c`, newest first: (product_id, weight,
# time in seconds since 1970, type). Of the ratings of a product only the last is there. Its
# parameter is `before`, a time or NULL.
LATEST = sql.SQL("""
SELECT l.product_id, l.weight, extract(epoch FROM l.at)::float8 AS time, l.type
FROM (
    SELECT t.*, t.type <> 'rating' OR row_number() OVER (
        PARTITION BY t.product_id, t.type ORDER BY t.at DESC, t.weight DESC) = 1 AS counts
    FROM (
        SELECT e.product_id, e.type, e.at, {weight} AS weight, {tie_breaker} AS tie
        FROM recommender_event e
        WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND {matters}
          AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s)
        ORDER BY e.at DESC, tie, weight DESC LIMIT {read}
    ) t
) l
WHERE l.counts AND l.weight <> 0
ORDER BY l.at DESC, l.tie, l.weight DESC LIMIT {limit}
""").format(
    weight=WEIGHT,
    matters=MATTERS,
    tie_breaker=TIE_BREAKER,
    # Ratings that no longer count take places, too; no more are read of a user of many events.
    read=sql.Literal(4 * MAX_EVENTS),
    limit=sql.Literal(MAX_EVENTS),
)

# A row for each user with such events: (user, products, weights, times). Each user is aggregated
# alone, as a sort by user would not keep the order of the events.
_HISTORIES = sql.SQL("""
SELECT u.id, h.products, h.weights, h.times
FROM unnest(%(users)s::bigint[]) AS wanted(id)
JOIN recommender_user u ON u.id = wanted.id JOIN recommender_catalog c ON c.id = u.catalog_id
CROSS JOIN LATERAL (
    SELECT array_agg(l.product_id) AS products, array_agg(l.weight) AS weights,
           array_agg(l.time) AS times
    FROM ({latest}) l
) h
WHERE h.products IS NOT NULL
""").format(latest=LATEST)


def preference_types(weights: Mapping[str, float]) -> list[str]:
    """The types of event that may say something of taste, good or bad."""
    return [kind for kind, of_type in weights.items() if of_type]


def load(user_ids: Sequence[int], before: datetime | None = None) -> dict[int, History]:
    """The histories of these users, strictly before a time; users without one are absent."""
    rows = database.fetch(_HISTORIES, {"users": list(user_ids), "before": before})
    return {user: _history(*columns) for user, *columns in rows}


def _history(products: Iterable[int], weights: Iterable[float], times: Iterable[float]) -> History:
    return History(
        product_ids=np.array(products, dtype=np.int64),
        weights=np.array(weights, dtype=np.float64),
        times=np.array(times, dtype=np.float64),
    )
