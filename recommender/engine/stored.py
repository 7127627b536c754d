"""What PostgreSQL keeps for a live answer: the user, and the popularity.

Popularity is remembered by the process: no request counts it again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock

import numpy as np
from cachetools import LRUCache
from django.utils import timezone
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.behaviour.interactions import History
from recommender.engine import exclusions
from recommender.engine.answer import PURCHASED, SEEN, Query
from recommender.engine.scores import WINDOWS, Popularity, of_columns
from recommender.history import popularity as counting
from recommender.history import reader
from recommender.models import Catalog
from recommender.models.training import Mode
from recommender.profiles.profile import ProfileRow
from recommender.retrieval.filter_cache import VISIBLE
from recommender.spaces import switching
from recommender.spaces.switching import ServingSpace

# What serves a catalog `c`: its spaces of dense vectors, its rank, and whether neighbours may be
# used. What was learnt from later events than are asked for is not there; content was never learnt.
_SERVING = sql.SQL("""
    (SELECT json_agg(json_build_array({space}) ORDER BY s.id) FROM recommender_space s
     WHERE s.catalog_id = c.id AND s.status = 'active' AND s.output <> 'sparse' AND (
        s.kind <> 'behaviour' OR %(before)s::timestamptz IS NULL
        OR s.trained_until <= %(before)s)),
    (SELECT r.id FROM recommender_ranker r
     WHERE r.catalog_id = c.id AND r.mode = %(mode)s AND r.is_active
       AND (%(before)s::timestamptz IS NULL OR r.trained_until <= %(before)s)),
    %(before)s::timestamptz IS NULL OR %(before)s >= (
        SELECT max(t.trained_until) FROM recommender_trainingrun t
        WHERE t.catalog_id = c.id AND t.status = 'done')
""").format(space=sql.SQL(switching.SERVING_COLUMNS))

_CATALOG = (
    sql.SQL(
        "SELECT c.popularity_refreshed_at, {} FROM recommender_catalog c WHERE c.id = %(catalog)s"
    )
    .format(_SERVING)
    .as_bytes(None)
)

# A row, where the user is known: the members of a StoredUser.
_USER = (
    sql.SQL("""
SELECT u.id, u.is_anonymous, u.history_version, c.popularity_refreshed_at,
    array_send(ARRAY(
        SELECT DISTINCT e.product_id FROM recommender_event e
        WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND e.type = ANY(%(own)s)
          AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s))),
    h.products, h.weights, h.times, h.types,
    {serving}
FROM recommender_user u JOIN recommender_catalog c ON c.id = u.catalog_id
CROSS JOIN LATERAL (
    SELECT array_send(array_agg(l.product_id)) AS products,
           array_send(array_agg(l.weight)) AS weights,
           array_send(array_agg(l.time)) AS times,
           array_agg(l.type) AS types
    FROM ({latest}) l
) h
WHERE u.catalog_id = %(catalog)s AND u.external_id = %(user)s
""")
    .format(serving=_SERVING, latest=reader.LATEST)
    .as_bytes(None)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """A user as of the time that is asked for."""

    pk: int
    is_anonymous: bool  # whether nobody vouches for who they are
    history_version: int
    popularity_refreshed_at: datetime | None
    excluded: NDArray[np.int64]  # keys of products that the answer leaves out
    history: History
    types: Sequence[str]  # of the events of the history, in their order
    spaces: tuple[ServingSpace, ...]
    ranker: int | None  # key of the learnt rank; None where there is none
    knows_neighbours: bool  # whether those that are stored are not of a later time
    # By key of a space, the profile of this very history, as far as one was made.
    made: dict[int, Sequence[ProfileRow]] = field(default_factory=dict, compare=False)

    def strongest_events(self) -> dict[int, str]:
        """By product, the type of the event that speaks best of it; of equal ones the latest."""
        weakest_first = np.argsort(-self.history.weights, kind="stable")[::-1]
        products = self.history.product_ids[weakest_first].tolist()
        types = [self.types[row] for row in weakest_first.tolist()]
        return dict(zip(products, types, strict=True))


def find_user(catalog: Catalog, external_id: str, query: Query) -> StoredUser | None:
    """The user; None where nobody knows them."""
    parameters = {
        "catalog": catalog.pk,
        "user": external_id,
        "own": own_types(catalog, query),
        "before": query.before,
        "mode": mode_of(query),
    }
    rows = database.fetch(_USER, parameters)
    if not rows:
        return None
    pk, anonymous, version, refreshed_at, excluded, *history, spaces, ranker, knows = rows[0]
    products, weights, times, types = history
    return StoredUser(
        pk=pk,
        is_anonymous=anonymous,
        history_version=version,
        popularity_refreshed_at=refreshed_at,
        excluded=exclusions.left_out(catalog, pk, arrays.ints(excluded), query),
        history=History(
            product_ids=arrays.ints(products),
            weights=arrays.floats(weights),
            times=arrays.floats(times),
        ),
        types=types or (),
        spaces=tuple(ServingSpace(*columns) for columns in spaces or ()),
        ranker=ranker,
        knows_neighbours=bool(knows),
    )


_NO_PRODUCTS: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
_NO_HISTORY = History(product_ids=_NO_PRODUCTS, weights=np.zeros(0), times=np.zeros(0))


def nobody(catalog: Catalog, query: Query) -> StoredUser:
    """Somebody without a history, and what serves their catalog."""
    parameters = {"catalog": catalog.pk, "before": query.before, "mode": mode_of(query)}
    refreshed_at, spaces, ranker, knows = database.fetch(_CATALOG, parameters)[0]
    return StoredUser(
        pk=0,
        is_anonymous=True,
        history_version=0,
        popularity_refreshed_at=refreshed_at,
        excluded=exclusions.and_shown(_NO_PRODUCTS, query),
        history=_NO_HISTORY,
        types=(),
        spaces=tuple(ServingSpace(*columns) for columns in spaces or ()),
        ranker=ranker,
        knows_neighbours=bool(knows),
    )


def nobody_beside(user: StoredUser, query: Query) -> StoredUser:
    """The same, by what was read of a user of the catalog."""
    return replace(
        user,
        pk=0,
        is_anonymous=True,
        history_version=0,
        excluded=exclusions.and_shown(_NO_PRODUCTS, query),
        history=_NO_HISTORY,
        types=(),
        made={},
    )


def own_types(catalog: Catalog, query: Query) -> list[str]:
    """The types of event whose products an answer leaves out."""
    if SEEN in query.exclude:
        return reader.preference_types(catalog.event_weights)
    return ["purchase"] if PURCHASED in query.exclude else []


def mode_of(query: Query) -> str:
    """The kind of list, of which each has its own rank."""
    return str(Mode.ALL if query.lists_own else Mode.NEW)


# Products remembered by a process, all catalogs together: some 400 MB.
_MOST_PRODUCTS = 4_000_000
_SECOND = timedelta(seconds=1)

_COLUMNS = sql.SQL("""
SELECT array_send(array_agg(s.product_id ORDER BY s.product_id)),
       array_send(array_agg(s.week_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.month_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.quarter_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(s.all_users::float4 ORDER BY s.product_id)),
       array_send(array_agg(COALESCE(extract(epoch FROM s.first_at), 'NaN')::float8
                            ORDER BY s.product_id)),
       array_send(array_agg({category} ORDER BY s.product_id)),
       array_send(array_agg(({visible})::int::bigint ORDER BY s.product_id))
FROM {source} s JOIN recommender_product p ON p.id = s.product_id
""")
_CURRENT = sql.SQL("(SELECT * FROM recommender_productpopularity WHERE catalog_id = %(catalog)s)")
_PAST = sql.SQL("({})").format(counting.POPULARITY)


def popularity_label(column: str) -> sql.Composed:
    """A category or brand as a number that no other is likely to have; 0 for none."""
    return sql.SQL(
        "CASE p.{0} WHEN '' THEN 0 ELSE hashtextextended(p.{0}, 0) & 9223372036854775807 END"
    ).format(sql.Identifier(column))


# Of each catalog as it was last counted, the longest unused forgotten first.
_counted: LRUCache[int, tuple[datetime, Popularity]] = LRUCache(
    _MOST_PRODUCTS, getsizeof=lambda counted: len(counted[1].products)
)
_lock = Lock()


def find_popularity(
    catalog: Catalog, counted_at: datetime | None, before: datetime | None
) -> Popularity:
    """The popularity that is stored, or that stood at a time before.

    Args:
        counted_at: when what is stored was counted; None where it never was.
    """
    if before is not None:
        past = counting.window(catalog, before)
        return _read_popularity(_PAST, past, before.astimezone(UTC).timestamp())
    if counted_at is None:
        return _read_popularity(_CURRENT, {"catalog": catalog.pk}, _clock(catalog))
    with _lock:
        at, popularity = _counted.get(catalog.pk, (None, None))
    if popularity is None or at != counted_at:
        popularity = _read_popularity(_CURRENT, {"catalog": catalog.pk}, _clock(catalog))
        # What is larger than the whole cache is not kept.
        with _lock, suppress(ValueError):
            _counted[catalog.pk] = (counted_at, popularity)
    return popularity


def _clock(catalog: Catalog) -> float | None:
    """None where now is the time of day."""
    clock = counting.clock(catalog)
    return None if timezone.now() - clock < _SECOND else clock.timestamp()


def _read_popularity(
    source: sql.Composable, parameters: dict[str, object], clock: float | None
) -> Popularity:
    query = _COLUMNS.format(source=source, visible=VISIBLE, category=popularity_label("category"))
    sent = database.fetch(query, parameters)[0]
    products, week, month, quarter, ever, first, categories, visibility = sent
    users = {
        name: arrays.singles(column)
        for name, column in zip(WINDOWS, (week, month, quarter, ever), strict=True)
    }
    return of_columns(
        clock=clock,
        products=arrays.ints(products),
        users=users,
        first=arrays.floats(first),
        labels=arrays.ints(categories),
        visible=arrays.ints(visibility) > 0,
    )
