"""Recommendations for many users: what live answers rank, found in memory."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from threadpoolctl import threadpool_limits

from recommender import database, parallel
from recommender.engine import backfill
from recommender.engine.answer import Item, Query
from recommender.engine.backfill import Listed
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.engine.stored import mode_of, own_types
from recommender.engine.stored_ranker import active_ranker
from recommender.history import popularity
from recommender.models import Catalog, Space
from recommender.ranking.ranker import FusionRanker, Ranker
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter
from recommender.snapshot import reading, snapshot
from recommender.snapshot.snapshot import Snapshot

_CHUNK = 250
# Of what is popular, this many more than a list takes are read once for all: who has had more of
# it than that has some looked for.
_STANDING = 1000

_USERS = """
SELECT u.external_id, u.id FROM recommender_user u
WHERE u.catalog_id = %s AND u.external_id = ANY(%s)
"""

_OWN = """
SELECT e.user_id, array_agg(DISTINCT e.product_id) FROM recommender_event e
WHERE e.user_id = ANY(%(users)s) AND e.type = ANY(%(own)s) AND e.product_id IS NOT NULL
  AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s)
GROUP BY e.user_id
"""

_ALL = """
SELECT id, external_id FROM recommender_user WHERE catalog_id = %s AND id > %s ORDER BY id LIMIT %s
"""

_PASSING = sql.SQL("""
SELECT p.id FROM recommender_product p WHERE p.catalog_id = {catalog} AND {condition}
""")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A user's list; `known` is False for a user the catalog has never seen."""

    user: str
    items: tuple[Item, ...]
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommender:
    """What a batch recommends from: a moment of the catalog, and a ranker for it."""

    catalog: Catalog
    snapshot: Snapshot
    ranker: Ranker


def all_users(catalog: Catalog) -> Iterator[str]:
    """Every user of a catalog, read page by page."""
    after = 0
    while rows := database.fetch(_ALL, (catalog.pk, after, 1000)):
        yield from (external_id for _, external_id in rows)
        after = rows[-1][0]


def alone(space: Space, before: datetime | None) -> Recommender:
    """One space and what is popular, as of a time: what a space is compared by."""
    then = catalog_as_of(space.catalog, before)
    space_snapshot = replace(then, spaces=snapshot.stored(then.products, [space]))
    return Recommender(catalog=space.catalog, snapshot=space_snapshot, ranker=FusionRanker())


def catalog_as_of(catalog: Catalog, before: datetime | None) -> Snapshot:
    """The catalog as it stood before a time, or stands, with no space in it yet."""
    until = before or popularity.clock(catalog)
    read = reading.read(catalog, until)
    return snapshot.as_of(
        read,
        clock=snapshot.seconds(until),
        half_life_days=catalog.half_life_days,
        has_made_up_times=catalog.has_made_up_times,
    )


def serving(catalog: Catalog, query: Query) -> Recommender:
    """What serves: the active spaces, neighbours and ranker, all of one time."""
    now = catalog_as_of(catalog, None)
    active = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    spaces = list(active.exclude(output=Space.Output.SPARSE).order_by("name"))
    active_snapshot = replace(
        now,
        spaces=snapshot.stored(now.products, spaces),
        neighbours=snapshot.stored_neighbours(now.products, catalog.pk),
    )
    return Recommender(
        catalog=catalog, snapshot=active_snapshot, ranker=active_ranker(catalog.pk, mode_of(query))
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A user of a chunk: their key, None where the catalog has never seen them."""

    name: str
    pk: int | None
    user: SnapshotUser


@dataclass(frozen=True, slots=True)
class _Work:
    """What a process needs to make lists without the database."""

    pipeline: Pipeline
    store: SnapshotStore
    ranker: Ranker

    def lists(self, users: Sequence[SnapshotUser]) -> list[list[Item]]:
        """A list for each user."""
        # The matrices are small: waking a second thread takes longer than it saves.
        with threadpool_limits(1):
            return [
                self.pipeline.recommend(context, self.ranker, explain=False)
                for context in self.store.contexts(users)
            ]


def recommend_many(
    recommender: Recommender, users: Iterator[str], query: Query, *, processes: int = 1
) -> Iterator[Recommendation]:
    """The products for each user, in their order, with bounded memory.

    Args:
        processes: how many make lists; more than one where this process may have children.
    """
    store = SnapshotStore(
        recommender.snapshot, _listable(recommender, query.filter), lists_own=query.lists_own
    )
    work = _Work(Pipeline(store, query.count), store, recommender.ranker)
    limit = _STANDING + query.count
    popular_products = backfill.popular(
        recommender.catalog, limit, filter=query.filter, before=query.before
    )
    asked = iter(lambda: _asked(recommender, list(islice(users, _CHUNK)), query), [])
    for chunk, lists in _made(work, asked, processes):
        for request, items in zip(chunk, lists, strict=True):
            yield _filled(recommender, request, items, query, popular_products)


def _made(
    work: _Work, asked: Iterator[list[_Asked]], processes: int
) -> Iterator[tuple[list[_Asked], list[list[Item]]]]:
    """Each chunk with its lists; a few chunks ahead are made by other processes."""
    if processes < 2:
        for chunk in asked:
            yield chunk, work.lists([request.user for request in chunk])
        return
    with parallel.Processes(work.lists, processes) as workers:
        waiting: deque[tuple[list[_Asked], Future[list[list[Item]]]]] = deque()
        for chunk in asked:
            waiting.append((chunk, workers.submit([request.user for request in chunk])))
            if len(waiting) > 2 * processes:
                first, lists = waiting.popleft()
                yield first, lists.result()
        for first, lists in waiting:
            yield first, lists.result()


def _asked(recommender: Recommender, users: Sequence[str], query: Query) -> list[_Asked]:
    """Who they are, and what of their own is left out; two statements."""
    rows = database.fetch(_USERS, (recommender.catalog.pk, list(users))) if users else []
    known: dict[str, int] = dict(rows)
    own = _own_products(recommender, list(known.values()), query)
    places = recommender.snapshot.rows_of([known.get(user, -1) for user in users])
    nothing = np.zeros(0, dtype=np.int64)
    return [
        _Asked(user, known.get(user), SnapshotUser(int(row), own.get(known.get(user, -1), nothing)))
        for user, row in zip(users, places, strict=True)
    ]


def _filled(
    recommender: Recommender,
    request: _Asked,
    listed: Sequence[Item],
    query: Query,
    popular_products: Sequence[Listed],
) -> Recommendation:
    items = {item.id: item for item in listed}
    if len(items) < query.count:
        products, left_out = recommender.snapshot.products, request.user.excluded
        known = set(products.ids[left_out])
        backfill.fill(
            recommender.catalog,
            items,
            query,
            excluded=products.keys[left_out].tolist(),
            filter=query.filter,
            popular_products=[
                candidate for candidate in popular_products if candidate.id not in known
            ],
        )
    return Recommendation(request.name, tuple(items.values()), request.pk is not None)


def _own_products(
    recommender: Recommender, users: Sequence[int], query: Query
) -> dict[int, NDArray[np.int64]]:
    """By user, the rows of the products that their list leaves out."""
    types = own_types(recommender.catalog, query)
    if not types or not users:
        return {}
    before = query.before
    rows = database.fetch(_OWN, {"users": list(users), "own": types, "before": before})
    products = recommender.snapshot.products
    return {user: products.known_rows(np.array(pks, dtype=np.int64)) for user, pks in rows}


def _listable(recommender: Recommender, filter: Filter | None) -> NDArray[np.bool_]:  # noqa: A002
    """Which products may be listed: those available that pass the filter."""
    products = recommender.snapshot.products
    if filter is None:
        return products.available
    statement = _PASSING.format(
        catalog=sql.Literal(recommender.catalog.pk), condition=filter_cache.condition(filter)
    )
    passing = [row[0] for row in database.fetch(statement, filter.parameters)]
    return products.available & np.isin(products.keys, passing)
