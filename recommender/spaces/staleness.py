"""Which products lack a fresh vector in a space, and who is working on them.

Staleness is data: a product is stale while the content hash of its vector is not its own. A
worker claims stale products for a short time, so that two never embed the same one; a claim
that its worker did not live to finish lapses, and counts as a death at each of its products.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import F, OuterRef, Q
from psycopg import sql

from recommender import database
from recommender.models import Space
from recommender.spaces import partitions

LEASE = timedelta(seconds=120)
RENEWAL = timedelta(seconds=20)
_REMEMBERED = timedelta(hours=6)
# A claim that was neither made nor renewed for so long is that of a worker that has died.
_AT_WORK = RENEWAL + timedelta(seconds=10)
_LOCK_CLAIM = 7_310_002

# Who may have died of a product claims it alone after so many deaths, and nobody after so many:
# of a batch that died twice, one product alone is to blame.
_DEATHS_ALONE, MOST_DEATHS = 2, 3

# The treatment of a vector that was learnt from behaviour: no content makes it stale.
TRAINED = "trained"


@dataclass(frozen=True, slots=True)
class StaleProduct:
    """What is embedded of a product, and the hash of that content."""

    id: int
    content_hash: UUID
    title: str
    description: str
    category: str
    brand: str
    attributes: dict[str, Any]
    image_urls: list[str]
    video_urls: list[str]


@dataclass(frozen=True, slots=True)
class ClaimedProduct(StaleProduct):
    """One that a worker claimed; deaths are those of workers that gave it back to nobody."""

    deaths: int = 0


# What makes the vector `v`, or none, of a product `p` stale; `fresh` is the opposite in the ORM.
IS_STALE = sql.SQL(
    "(v.content_hash IS DISTINCT FROM p.content_hash AND v.treatment IS DISTINCT FROM 'trained')"
)


def fresh(content_hash: F | OuterRef) -> Q:
    """The vectors that are of their products' present content.

    Args:
        content_hash: of the product, seen from the vector.
    """
    return Q(content_hash=content_hash) | Q(treatment=TRAINED)


# The bound on both sides: a planner that has it on one reads the other from its start.
_STALE = sql.SQL("""
    FROM recommender_product p
    LEFT JOIN {vectors} v ON v.product_id = p.id AND v.product_id > %(after)s
    WHERE p.catalog_id = %(catalog)s AND p.deleted_at IS NULL AND p.id > %(after)s
      AND {is_stale}
""")

# Who holds the lock is alone: what is stale and free is claimed in the same statement. An empty
# JSON value comes as NULL, for most are empty and decoding one costs more than all the rest. A
# claim that is still there has lapsed. Up to the first product of many deaths, or that alone.
_CLAIM = sql.SQL("""
WITH stale AS MATERIALIZED (
    SELECT p.id, p.content_hash, p.title, p.description, p.category, p.brand,
        NULLIF(p.attributes, '{{}}') AS attributes, NULLIF(p.image_urls, '[]') AS image_urls,
        NULLIF(p.video_urls, '[]') AS video_urls
    {stale} AND NOT EXISTS (
        SELECT FROM recommender_embeddingclaim c
        WHERE c.space_id = %(space)s AND c.product_id = p.id AND c.product_id > %(after)s
          AND c.until > now())
    ORDER BY p.id LIMIT %(limit)s
), counted AS MATERIALIZED (
    SELECT s.*, COALESCE((
        SELECT c.deaths + 1 FROM recommender_embeddingclaim c
        WHERE c.space_id = %(space)s AND c.product_id = s.id), 0) AS deaths
    FROM stale s
), bounds AS (
    SELECT min(id) AS first, min(id) FILTER (WHERE deaths >= %(alone)s) AS alone FROM counted
), taken AS MATERIALIZED (
    SELECT counted.* FROM counted, bounds WHERE alone IS NULL OR id < alone OR id = first
), claimed AS (
    INSERT INTO recommender_embeddingclaim AS c (space_id, product_id, owner, until, deaths)
    SELECT %(space)s, id, %(owner)s, now() + %(lease)s, deaths FROM taken
    ON CONFLICT (space_id, product_id) DO UPDATE
        SET owner = excluded.owner, until = excluded.until, deaths = excluded.deaths
)
SELECT * FROM taken ORDER BY id
""")


def lock(kind: int, space_id: int) -> None:
    """Hold an advisory lock until the transaction ends."""
    database.fetch("SELECT pg_advisory_xact_lock(%s::int, %s::int)", (kind, space_id))


def lock_soon(kind: int, space_id: int) -> bool:
    """Hold an advisory lock until the transaction ends; False where that takes half a second."""
    try:
        with transaction.atomic():
            database.execute("SET LOCAL lock_timeout = '500ms'")
            lock(kind, space_id)
            database.execute("SET LOCAL lock_timeout TO DEFAULT")
    except OperationalError as exc:
        if not isinstance(exc.__cause__, psycopg.errors.LockNotAvailable):
            raise
        return False
    return True


def _stale(space: Space) -> sql.Composed:
    return _STALE.format(vectors=partitions.product_vectors(space.pk), is_stale=IS_STALE)


def count(space: Space) -> int:
    """How many products lack a fresh vector."""
    query = sql.SQL("SELECT count(*) {}").format(_stale(space))
    return int(database.fetch(query, {"catalog": space.catalog_id, "after": 0})[0][0])


def claim(space: Space, *, owner: str, after: int, limit: int) -> list[ClaimedProduct]:
    """Lease up to `limit` stale products with an id above `after`, in the order of their ids.

    Of those that workers died of, perhaps, one alone.
    """
    query = _CLAIM.format(stale=_stale(space))
    parameters = {
        "catalog": space.catalog_id,
        "space": space.pk,
        "owner": owner,
        "after": after,
        "limit": limit,
        "lease": LEASE,
        "alone": _DEATHS_ALONE,
    }
    with transaction.atomic():
        lock(_LOCK_CLAIM, space.pk)
        rows = database.fetch(query, parameters)
    return list(map(_product, rows))


def _product(row: tuple[Any, ...]) -> ClaimedProduct:
    pk, content_hash, title, description, category, brand, attributes, images, videos, deaths = row
    return ClaimedProduct(
        *(pk, content_hash, title, description, category, brand),
        attributes=attributes or {},
        image_urls=images or [],
        video_urls=videos or [],
        deaths=deaths,
    )


def renew(space_id: int, product_ids: Sequence[int], owner: str) -> None:
    """Make an owner's claims last from now on; one that another has taken over stays theirs."""
    database.execute(
        "UPDATE recommender_embeddingclaim SET until = now() + %s "
        "WHERE space_id = %s AND product_id = ANY(%s::bigint[]) AND owner = %s",
        (LEASE, space_id, database.array_text(product_ids), owner),
    )


def at_work() -> list[tuple[int, str]]:
    """The spaces that are embedded at this moment, each with every owner of claims there."""
    query = (
        "SELECT DISTINCT space_id, owner FROM recommender_embeddingclaim WHERE until > now() + %s"
    )
    return [(space_id, owner) for space_id, owner in database.fetch(query, (LEASE - _AT_WORK,))]


def release(space_id: int, product_ids: Sequence[int]) -> None:
    """Give claims back, done or not."""
    database.execute(
        "DELETE FROM recommender_embeddingclaim "
        "WHERE space_id = %s AND product_id = ANY(%s::bigint[])",
        (space_id, database.array_text(product_ids)),
    )


@contextmanager
def attempted(space_id: int, product_ids: Sequence[int]) -> Iterator[None]:
    """Leave claims on these products should this process die in the block.

    For work on products that is not of stale ones; `claimed` tells which these are afterwards.
    """
    database.execute(
        "INSERT INTO recommender_embeddingclaim (space_id, product_id, owner, until) "
        "SELECT %s, id, 'attempt', now() FROM unnest(%s::bigint[]) AS id ON CONFLICT DO NOTHING",
        (space_id, database.array_text(product_ids)),
    )
    try:
        yield
    finally:
        release(space_id, product_ids)


def claimed(space_id: int) -> list[int]:
    """The products that somebody works at, or died at."""
    query = "SELECT product_id FROM recommender_embeddingclaim WHERE space_id = %s"
    return [row[0] for row in database.fetch(query, (space_id,))]


def release_owner(dead: str) -> int:
    """End the claims of a dead process, or of all of a dead worker's, now; how many there were.

    Args:
        dead: a process as the owner of its claims, `worker:number`, or a worker.
    """
    return database.execute(
        "UPDATE recommender_embeddingclaim SET until = now() "
        "WHERE (owner = %(dead)s OR starts_with(owner, %(dead)s || ':')) AND until > now()",
        {"dead": dead},
    )


def forget_deaths() -> int:
    """Remove the claims that lapsed long ago: their products have been embedded or have changed."""
    return database.execute(
        "DELETE FROM recommender_embeddingclaim WHERE until < now() - %s", (_REMEMBERED,)
    )


log = structlog.get_logger()


@contextmanager
def claims_kept(
    space_id: int, product_ids: Sequence[int], owner: str, every: timedelta = RENEWAL
) -> Iterator[None]:
    """Renew these claims until the block ends, on a connection of a thread's own.

    A short block costs nothing: the first renewal comes after `every`.
    """
    ended = threading.Event()

    def keep() -> None:
        try:
            while not ended.wait(every.total_seconds()):
                _renew_if_reachable(space_id, product_ids, owner)
        finally:
            connection.close()

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew_if_reachable(space_id: int, product_ids: Sequence[int], owner: str) -> None:
    try:
        renew(space_id, product_ids, owner)
    except OperationalError as exc:
        # Several renewals fit into a lease: the next one may find the database back.
        log.warning("claims not renewed", space=space_id, error=str(exc))
