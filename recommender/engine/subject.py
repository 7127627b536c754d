"""The user whom an answer is for: their history, and what serves them. One statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.engine import arrays
from recommender.engine.answer import PURCHASED, SEEN, Query
from recommender.models import Catalog
from recommender.models.training import Mode
from recommender.profiles import history
from recommender.profiles.profile import History
from recommender.spaces import serving
from recommender.spaces.serving import ServingSpace

# What was learnt from later events than are asked for is not there; content was never learnt.
_USER = f"""
SELECT u.id, u.history_version, c.popularity_refreshed_at,
    array_send(ARRAY(
        SELECT DISTINCT e.product_id FROM recommender_event e
        WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND e.type = ANY(%(own)s)
          AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s))),
    h.products, h.types, h.portions, h.times,
    (SELECT json_agg(json_build_array({serving.COLUMNS}) ORDER BY s.id) FROM recommender_space s
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
    SELECT array_send(array_agg(e.product_id)) AS products,
           array_send(array_agg(e.type)) AS types,
           array_send(array_agg(e.portion)) AS portions,
           array_send(array_agg(e.time)) AS times
    FROM (
        SELECT e.product_id, array_position(%(types)s::text[], e.type)::bigint AS type,
               COALESCE(e.value, 'NaN') AS portion, extract(epoch FROM e.at)::float8 AS time
        FROM recommender_event e
        WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND e.type = ANY(%(types)s)
          AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s)
        ORDER BY e.at DESC, e.id LIMIT {history.MAX_EVENTS}
    ) e
) h
WHERE u.catalog_id = %(catalog)s AND u.external_id = %(user)s
"""  # noqa: S608 - built from constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A user as of the time that is asked for."""

    pk: int
    history_version: int
    popularity_refreshed_at: datetime | None
    excluded: NDArray[np.int64]  # keys of products that the answer leaves out
    history: History
    spaces: tuple[ServingSpace, ...]
    ranker: int | None  # key of the learnt rank; None where there is none
    knows_neighbours: bool  # whether those that are stored are not of a later time


def find(catalog: Catalog, external_id: str, query: Query) -> Subject | None:
    """The user; None where nobody knows them."""
    types = tasteful(catalog)
    parameters = {
        "catalog": catalog.pk,
        "user": external_id,
        "own": own_types(catalog, query),
        "before": query.before,
        "types": types,
        "mode": mode(query),
    }
    rows = database.fetch(_USER, parameters)
    if not rows:
        return None
    pk, version, refreshed_at, excluded, products, kinds, portions, times, spaces, ranker, knows = (
        rows[0]
    )
    return Subject(
        pk=pk,
        history_version=version,
        popularity_refreshed_at=refreshed_at,
        excluded=arrays.ints(excluded),
        history=History(
            product_ids=arrays.ints(products),
            weights=_weights(catalog.event_weights, types, kinds, portions),
            times=arrays.floats(times),
        ),
        spaces=tuple(ServingSpace(*columns) for columns in spaces or ()),
        ranker=ranker,
        knows_neighbours=bool(knows),
    )


def own_types(catalog: Catalog, query: Query) -> list[str]:
    """The types of event whose products an answer leaves out."""
    if SEEN in query.exclude:
        return tasteful(catalog)
    return ["purchase"] if PURCHASED in query.exclude else []


def tasteful(catalog: Catalog) -> list[str]:
    """The types of event that say something of taste, good or bad."""
    return [kind for kind, weight in catalog.event_weights.items() if weight]


def mode(query: Query) -> str:
    """The kind of list, of which each has its own rank."""
    return str(Mode.NEW if query.exclude else Mode.ALL)


def _weights(
    weights: Mapping[str, float], types: Sequence[str], kinds: bytes | None, portions: bytes | None
) -> NDArray[np.float64]:
    """Of each event."""
    found = [
        history.event_weight(types[kind - 1], None if np.isnan(value) else value, dict(weights))
        for kind, value in zip(
            arrays.ints(kinds).tolist(), arrays.floats(portions).tolist(), strict=True
        )
    ]
    return np.array(found, dtype=np.float64)
