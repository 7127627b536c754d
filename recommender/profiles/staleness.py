"""Which profiles are stale, as data: made from another version of the history than there is."""

from datetime import UTC, datetime

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.history import reader
from recommender.models import Catalog, Space
from recommender.spaces import partitions
from recommender.spaces.staleness import count, lock

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK_PROFILES = 7_310_003

_STALE = sql.SQL("""
SELECT u.id FROM recommender_user u
WHERE u.catalog_id = %(catalog)s AND u.id > %(after)s AND u.history_version > 0
  AND NOT EXISTS (SELECT FROM {profiles} p
                  WHERE p.user_id = u.id AND p.history_version = u.history_version)
ORDER BY u.id LIMIT %(limit)s
""")

# Users are locked in the order in which events lock them, so that neither deadlocks.
_BUMP = sql.SQL("""
WITH touched AS (
    SELECT id FROM recommender_user WHERE {condition} ORDER BY external_id FOR NO KEY UPDATE
)
UPDATE recommender_user u SET history_version = history_version + 1
FROM touched WHERE u.id = touched.id
""")

# Products whose vector is newer than the profiles change every profile they are part of, which an
# impression makes them no part of.
_HAS_NEW_VECTORS = sql.SQL("""id IN (
    SELECT e.user_id FROM {vectors} v JOIN recommender_event e ON e.product_id = v.product_id
    JOIN recommender_catalog c ON c.id = e.catalog_id
    WHERE v.embedded_at > %(since)s AND {weight} <> 0)
""")
# Those of whom nothing has counted so far, too: by other weights something may.
_OF_CATALOG = sql.SQL("catalog_id = %(catalog)s AND last_event_at IS NOT NULL")


def stale_users(space: Space, *, after: int, limit: int) -> list[int]:
    """Up to `limit` users above an id whose profile in this space is not of their history."""
    query = _STALE.format(profiles=partitions.profile_vectors(space.pk))
    parameters = {"catalog": space.catalog_id, "after": after, "limit": limit}
    return [row[0] for row in database.fetch(query, parameters)]


def note_new_vectors(space_id: int) -> None:
    """Make the profiles stale that products embedded since the last call are part of.

    Only where every product has its vector: a vector that is being written may be older than
    `embedded_at` and would be missed.
    """
    with transaction.atomic():
        lock(_LOCK_PROFILES, space_id)
        space = Space.objects.filter(pk=space_id).first()
        if space is None or space.embedded_at == space.profiles_at or count(space):
            return
        if not _is_new(space):
            condition = _HAS_NEW_VECTORS.format(
                vectors=partitions.product_vectors(space.pk), weight=reader.WEIGHT
            )
            query = _BUMP.format(condition=condition)
            database.execute(query, {"since": space.profiles_at or _NEVER})
        Space.objects.filter(pk=space.pk).update(profiles_at=space.embedded_at)


def _is_new(space: Space) -> bool:
    """Whether nobody can have a profile in it yet: those in the space that serves stay fresh."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(partitions.profile_vectors(space.pk))
    return space.status == Space.Status.BUILDING and not database.fetch(query)[0][0]


def note_new_settings(catalog: Catalog) -> None:
    """Make every profile of a catalogue stale: what makes a profile has changed."""
    database.execute(_BUMP.format(condition=_OF_CATALOG), {"catalog": catalog.pk})
