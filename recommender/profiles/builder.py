"""Profiles: which are stale, built from history, stored.

Staleness is data: a profile is stale when it was made from another version of the history.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np
import orjson
from django.db import transaction
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.behaviour.fold_in import FoldIn
from recommender.behaviour.interactions import History
from recommender.history import reader
from recommender.models import Catalog, ProfileVector, Space, User
from recommender.profiles.profile import ProfileRow, profile
from recommender.spaces import partitions
from recommender.spaces.partitions import load_vectors
from recommender.spaces.staleness import count, lock

Kind = ProfileVector.Kind

# A user being erased must not get a profile afterwards.
_TO_WRITE = sql.SQL("""
SELECT u.id FROM recommender_user u
JOIN unnest(%s::bigint[], %s::bigint[]) AS built(id, version) USING (id)
WHERE NOT EXISTS (
    SELECT FROM {profiles} p WHERE p.user_id = u.id AND p.history_version > built.version)
ORDER BY u.id FOR KEY SHARE OF u
""")


def build(
    space: Space, user_ids: Sequence[int], before: datetime | None = None
) -> dict[int, list[ProfileRow]]:
    """The profiles of these users in a space from their events before a time.

    Users whose history has no product with a vector are absent. Two queries for all of them.
    """
    return build_of(space, reader.load(user_ids, before))


def build_of(space: Space, histories: Mapping[int, History]) -> dict[int, list[ProfileRow]]:
    """The profiles in a space of the users with these histories; one query for all of them."""
    catalog: Catalog = space.catalog
    products = {
        product for history in histories.values() for product in history.product_ids.tolist()
    }
    known, matrix = load_vectors(space.pk, sorted(products))
    make = partial(
        profile,
        metric=space.metric,
        half_life_days=catalog.half_life_days,
        fold_in=fold_in_of(space),
    )
    profiles = {user: make(history, known, matrix) for user, history in histories.items()}
    return {user: rows for user, rows in profiles.items() if rows}


def fold_in_of(space: Space) -> FoldIn | None:
    """What gives a user of today a long-term factor in a space; None where none was trained."""
    return None if space.fold_in is None else FoldIn.from_bytes(bytes(space.fold_in))


def refresh(space: Space, user_ids: Sequence[int]) -> int:
    """Rebuild and store the profiles of these users; how many have one now.

    May run twice and beside itself. The version is read before the events: an event that
    comes in between leaves the profile stale, never wrongly fresh.
    """
    versions = dict(User.objects.filter(pk__in=user_ids).values_list("pk", "history_version"))
    profiles = build(space, sorted(versions))
    _store(space, profiles, versions)
    return len(profiles)


def _store(space: Space, profiles: dict[int, list[ProfileRow]], versions: dict[int, int]) -> None:
    table = partitions.profile_vectors(space.pk)
    with transaction.atomic():
        users = _lock(space, versions)
        database.execute(sql.SQL("DELETE FROM {} WHERE user_id = ANY(%s)").format(table), (users,))
        statement = sql.SQL(
            "COPY {} (space_id, user_id, history_version, kind, position, weight, product_id, "
            "embedding) FROM STDIN"
        ).format(table)
        with database.copy(statement) as stream:
            for user in users:
                rows: Sequence[ProfileRow | None] = profiles.get(user) or [None]
                for fields in map(_fields, rows):
                    stream.write_row((space.pk, user, versions[user], *fields))


def _lock(space: Space, versions: dict[int, int]) -> list[int]:
    """Hold these users' profiles until the transaction ends; those of them to be written.

    Not those who are gone, nor those whose profile is of a later version by now.
    """
    user_ids = sorted(versions)
    # One writer a profile: two at once would both delete, then collide.
    database.fetch(
        "SELECT pg_advisory_xact_lock(%s::int, (id %% 2147483647)::int) "
        "FROM unnest(%s::bigint[]) AS u(id) ORDER BY id",
        (space.pk % 2147483647, user_ids),
    )
    query = _TO_WRITE.format(profiles=partitions.profile_vectors(space.pk))
    wanted = [versions[user] for user in user_ids]
    return [row[0] for row in database.fetch(query, (user_ids, wanted))]


def to_text(vector: NDArray[np.float32]) -> str:
    """A vector as PostgreSQL reads it, which is as JSON has it."""
    numbers = np.ascontiguousarray(vector, dtype=np.float32)
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _fields(row: ProfileRow | None) -> tuple[object, ...]:
    if row is None:
        return (Kind.NONE, 0, 0.0, None, None)
    vector = to_text(row.vector)
    return (row.kind, row.position, row.weight, row.product_id, vector)


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
    WHERE v.embedded_at > %(since)s AND {matters})
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
                vectors=partitions.product_vectors(space.pk), matters=reader.MATTERS
            )
            query = _BUMP.format(condition=condition)
            database.execute(query, {"since": space.profiles_at or _NEVER})
        Space.objects.filter(pk=space.pk).update(profiles_at=space.embedded_at)


def _is_new(space: Space) -> bool:
    """Whether nobody can have a profile in it yet: those in the space that serves stay fresh."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(partitions.profile_vectors(space.pk))
    return space.status == Space.Status.BUILDING and not database.fetch(query)[0][0]


def note_new_settings(catalog: Catalog) -> None:
    """Make every profile of a catalog stale: what makes a profile has changed."""
    database.execute(_BUMP.format(condition=_OF_CATALOG), {"catalog": catalog.pk})
