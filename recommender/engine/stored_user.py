"""The user whom an answer is for: their history, and what serves them. One statement."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import arrays
from recommender.engine.answer import PURCHASED, SEEN, Query
from recommender.history import reader
from recommender.history.history import History
from recommender.models import Catalog
from recommender.models.training import Mode
from recommender.spaces import serving
from recommender.spaces.serving import ServingSpace

# What was learnt from later events than are asked for is not there; content was never learnt.
# A row, where the user is known: the members of a StoredUser.
_USER = (
    sql.SQL("""
SELECT u.id, u.history_version, c.popularity_refreshed_at,
    array_send(ARRAY(
        SELECT DISTINCT e.product_id FROM recommender_event e
        WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND e.type = ANY(%(own)s)
          AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s))),
    h.products, h.weights, h.times,
    (SELECT json_agg(json_build_array({space}) ORDER BY s.id) FROM recommender_space s
     WHERE s.catalog_id = u.catalog_id AND s.status = 'active' AND (
        s.kind <> 'behaviour' OR %(before)s::timestamptz IS NULL
        OR s.trained_until <= %(before)s)),
    (SELECT r.id FROM recommender_ranker r
     WHERE r.catalog_id = u.catalog_id AND r.mode = %(mode)s AND r.is_active
       AND (%(before)s::timestamptz IS NULL OR r.trained_until <= %(before)s)),
    %(before)s::timestamptz IS NULL OR %(before)s >= (
        SELECT max(t.trained_until) FROM recommender_trainingrun t
        WHERE t.catalog_id = u.catalog_id AND t.status = 'done')
FROM recommender_user u JOIN recommender_catalog c ON c.id = u.catalog_id
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(l.product_id)) AS products,
           array_send(array_agg(l.weight)) AS weights,
           array_send(array_agg(l.time)) AS times
    FROM ({latest}) l
) h
WHERE u.catalog_id = %(catalog)s AND u.external_id = %(user)s
""")
    .format(space=sql.SQL(serving.COLUMNS), latest=reader.LATEST)
    .as_bytes(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A user as of the time that is asked for."""

    pk: int
    history_version: int
    popularity_refreshed_at: datetime | None
    excluded: NDArray[np.int64]  # keys of products that the answer leaves out
    history: History
    spaces: tuple[ServingSpace, ...]
    ranker: int | None  # key of the learnt rank; None where there is none
    knows_neighbours: bool  # whether those that are stored are not of a later time


def find(catalog: Catalog, external_id: str, query: Query) -> StoredUser | None:
    """The user; None where nobody knows them."""
    parameters = {
        "catalog": catalog.pk,
        "user": external_id,
        "own": own_types(catalog, query),
        "before": query.before,
        "mode": mode(query),
    }
    rows = database.fetch(_USER, parameters)
    if not rows:
        return None
    pk, version, refreshed_at, excluded, products, weights, times, spaces, ranker, knows = rows[0]
    return StoredUser(
        pk=pk,
        history_version=version,
        popularity_refreshed_at=refreshed_at,
        excluded=arrays.ints(excluded),
        history=History(
            product_ids=arrays.ints(products),
            weights=arrays.floats(weights),
            times=arrays.floats(times),
        ),
        spaces=tuple(ServingSpace(*columns) for columns in spaces or ()),
        ranker=ranker,
        knows_neighbours=bool(knows),
    )


def own_types(catalog: Catalog, query: Query) -> list[str]:
    """The types of event whose products an answer leaves out."""
    if SEEN in query.exclude:
        return reader.preference_types(catalog.event_weights)
    return ["purchase"] if PURCHASED in query.exclude else []


def mode(query: Query) -> str:
    """The kind of list, of which each has its own rank."""
    return str(Mode.NEW if query.exclude else Mode.ALL)
