"""Recommendations for many users: what live answers rank, found in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import completion, pooling, reading, snapshot, subject
from recommender.engine.answer import Item, Query
from recommender.engine.filters import Filter
from recommender.engine.passing import VISIBLE
from recommender.engine.pooling import Pooled, Wish
from recommender.engine.snapshot import Snapshot
from recommender.history import popularity
from recommender.models import Catalog, Mode, Space
from recommender.models import Ranker as StoredRanker
from recommender.ranking import ranker as ranking
from recommender.ranking import storage
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.parts import BASE
from recommender.ranking.ranker import Ranker

_CHUNK = 250

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
SELECT p.id FROM recommender_product p WHERE p.catalog_id = {catalog} AND {visible} AND {condition}
""")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A user's list; `known` is False for a user the catalogue has never seen."""

    user: str
    items: tuple[Item, ...]
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a batch recommends from: a moment of the catalogue, and a ranker for it."""

    catalog: Catalog
    snapshot: Snapshot
    ranker: Ranker


def all_users(catalog: Catalog) -> Iterator[str]:
    """Every user of a catalogue, read page by page."""
    after = 0
    while rows := database.fetch(_ALL, (catalog.pk, after, 1000)):
        yield from (external_id for _, external_id in rows)
        after = rows[-1][0]


def alone(space: Space, before: datetime | None) -> Source:
    """One space and what is popular, as of a time: what a space is compared by."""
    then = moment(space.catalog, before)
    found = replace(then, spaces=snapshot.stored(then.products, [space]))
    return Source(catalog=space.catalog, snapshot=found, ranker=FusionRanker())


def moment(catalog: Catalog, before: datetime | None) -> Snapshot:
    """The catalogue as it stood before a time, or stands, with no space in it yet."""
    until = before or popularity.clock(catalog)
    read = reading.read(catalog, until)
    return snapshot.moment(
        read, clock=snapshot.seconds(until), half_life_days=catalog.half_life_days
    )


def serving(catalog: Catalog, query: Query) -> Source:
    """What serves: the active spaces, neighbours and ranker, all of one time."""
    now = moment(catalog, None)
    active = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    spaces = list(active.exclude(output=Space.Output.SPARSE).order_by("name"))
    found = replace(
        now,
        spaces=snapshot.stored(now.products, spaces),
        neighbours=snapshot.stored_neighbours(now.products, catalog.pk),
    )
    return Source(catalog=catalog, snapshot=found, ranker=_ranker(catalog, query))


def recommend_many(source: Source, users: Iterator[str], query: Query) -> Iterator[Recommendation]:
    """The products for each user, in their order, with bounded memory."""
    listable = _listable(source, query.filter)
    while chunk := list(islice(users, _CHUNK)):
        yield from _recommend_chunk(source, chunk, query, listable)


def _recommend_chunk(
    source: Source, users: Sequence[str], query: Query, listable: NDArray[np.bool_]
) -> Iterator[Recommendation]:
    catalog, found = source.catalog, source.snapshot
    known: dict[str, int] = {row[0]: row[1] for row in database.fetch(_USERS, (catalog.pk, users))}
    asked = [user for user in users if user in known]
    rows = found.rows_of([known[user] for user in asked])
    own = _own_products(source, [known[user] for user in asked], query)
    wishes = [
        Wish(user=int(row), excluded=own.get(known[user], np.zeros(0, dtype=np.int64)))
        for user, row in zip(asked, rows, strict=True)
    ]
    pooled = pooling.pooled(
        found, wishes, listable=listable, lists_own=not query.exclude, count=query.count
    )
    lists = dict(zip(asked, _ranked(source, pooled, query.count), strict=True))
    for user in users:
        pk = known.get(user)
        excluded = [] if pk is None else found.products.keys[own.get(pk, [])].tolist()
        items = {item.id: item for item in lists.get(user, ())}
        completion.fill(catalog, items, query, excluded=excluded, filter=query.filter)
        yield Recommendation(user, tuple(items.values()), pk is not None)


def _ranked(source: Source, pooled: Iterator[Pooled], count: int) -> Iterator[list[Item]]:
    for each in pooled:
        if not each.is_personal:
            # What is popular needs no rank.
            yield []
            continue
        pool = pooling.candidate_pool([each])
        judged = source.ranker.judge(pool)
        (best,) = ranking.top(judged.scores, pool.sizes, count)
        parts = judged.explain(best)
        ids = source.snapshot.products.ids[each.rows[best]]
        scores = judged.scores[best]
        yield [
            _item(id_, float(score), part)
            for id_, score, part in zip(ids, scores, parts, strict=True)
        ]


def _ranker(catalog: Catalog, query: Query) -> Ranker:
    mode = Mode.NEW if query.exclude else Mode.ALL
    stored = StoredRanker.objects.filter(catalog=catalog, mode=mode, is_active=True).first()
    return storage.from_bytes(stored.kind, bytes(stored.model)) if stored else FusionRanker()


def _item(id_: str, score: float, parts: Mapping[str, float]) -> Item:
    channel = max((name for name in parts if name != BASE), key=lambda name: parts[name])
    return Item(id_, score, channel, parts)


def _own_products(
    source: Source, users: Sequence[int], query: Query
) -> dict[int, NDArray[np.int64]]:
    """By user, the rows of the products that their list leaves out."""
    types = subject.own_types(source.catalog, query)
    if not types or not users:
        return {}
    before = query.before
    rows = database.fetch(_OWN, {"users": list(users), "own": types, "before": before})
    keys = source.snapshot.products.keys
    return {
        user: source.snapshot.products.rows(np.intersect1d(np.asarray(pks, np.int64), keys))
        for user, pks in rows
    }


def _listable(source: Source, filter: Filter | None) -> NDArray[np.bool_]:  # noqa: A002
    """Which products may be listed: those available that pass the filter."""
    products = source.snapshot.products
    if filter is None:
        return products.available
    statement = _PASSING.format(
        catalog=sql.Literal(source.catalog.pk), visible=VISIBLE, condition=filter.condition
    )
    passing = [row[0] for row in database.fetch(statement, filter.parameters)]
    return products.available & np.isin(products.keys, passing)
