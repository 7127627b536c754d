"""Which products lack a fresh vector in a space, and who is working on them.

Staleness is data: a product is stale while the content hash of its vector is not its own. A
worker claims stale products for a short time, so that two never embed the same one; a claim
that its worker did not live to finish lapses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.models import Space
from recommender.spaces import partitions

LEASE = timedelta(seconds=120)
_LOCK_CLAIM = 7_310_002


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


_STALE = sql.SQL("""
    FROM recommender_product p LEFT JOIN {vectors} v ON v.product_id = p.id
    WHERE p.catalog_id = %(catalog)s AND p.deleted_at IS NULL
      AND v.content_hash IS DISTINCT FROM p.content_hash
""")

_CLAIM = sql.SQL("""
WITH stale AS (
    SELECT p.id {stale} AND p.id > %(after)s AND NOT EXISTS (
        SELECT FROM recommender_embeddingclaim c
        WHERE c.space_id = %(space)s AND c.product_id = p.id AND c.until > now())
    ORDER BY p.id LIMIT %(limit)s
), claimed AS (
    INSERT INTO recommender_embeddingclaim AS c (space_id, product_id, owner, until)
    SELECT %(space)s, id, %(owner)s, now() + %(lease)s FROM stale
    ON CONFLICT (space_id, product_id) DO UPDATE
        SET owner = excluded.owner, until = excluded.until
    RETURNING product_id
)
SELECT p.id, p.content_hash, p.title, p.description, p.category, p.brand, p.attributes
FROM recommender_product p WHERE p.id IN (SELECT product_id FROM claimed) ORDER BY p.id
""")


def lock(kind: int, space_id: int) -> None:
    """Hold an advisory lock until the transaction ends."""
    database.fetch("SELECT pg_advisory_xact_lock(%s::int, %s::int)", (kind, space_id))


def count(space: Space) -> int:
    """How many products lack a fresh vector."""
    query = sql.SQL("SELECT count(*) {stale}").format(
        stale=_STALE.format(vectors=partitions.product_vectors(space.pk))
    )
    return int(database.fetch(query, {"catalog": space.catalog_id})[0][0])


def claim(space: Space, *, owner: str, after: int, limit: int) -> list[StaleProduct]:
    """Lease up to `limit` stale products with an id above `after`, in the order of their ids."""
    query = _CLAIM.format(stale=_STALE.format(vectors=partitions.product_vectors(space.pk)))
    parameters = {
        "catalog": space.catalog_id,
        "space": space.pk,
        "owner": owner,
        "after": after,
        "limit": limit,
        "lease": LEASE,
    }
    with transaction.atomic():
        lock(_LOCK_CLAIM, space.pk)
        return [StaleProduct(*row) for row in database.fetch(query, parameters)]


def release(space_id: int, product_ids: Sequence[int]) -> None:
    """Give claims back, done or not."""
    database.execute(
        "DELETE FROM recommender_embeddingclaim WHERE space_id = %s AND product_id = ANY(%s)",
        (space_id, list(product_ids)),
    )


def release_owner(prefix: str) -> int:
    """Give back what the processes of a dead worker had claimed; how many claims there were."""
    return database.execute(
        "DELETE FROM recommender_embeddingclaim WHERE starts_with(owner, %s)", (prefix,)
    )
