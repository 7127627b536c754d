"""Users out: as if they had never been, once the next training has forgotten them, too."""

from django.db import transaction
from django.db.models import Q

from recommender import database
from recommender.models import Catalog, Forgotten, InsightFinding, Space, User, UserMerge

# What came of lists on the days of what goes is counted anew.
_EVENTS = """
WITH gone AS (DELETE FROM recommender_event WHERE user_id = %(user)s RETURNING id, at),
keys AS (DELETE FROM recommender_eventkey WHERE id IN (SELECT id FROM gone))
INSERT INTO recommender_lateday (catalog_id, day)
SELECT DISTINCT %(catalog)s::bigint, (at AT TIME ZONE 'UTC')::date FROM gone
"""
_LISTS = """
WITH gone AS (
    DELETE FROM recommender_recommendation WHERE catalog_id = %(catalog)s AND "user" = %(id)s
    RETURNING at
)
INSERT INTO recommender_lateday (catalog_id, day)
SELECT DISTINCT %(catalog)s::bigint, (at AT TIME ZONE 'UTC')::date FROM gone
"""


def erase(catalog: Catalog, user_id: str) -> bool:
    """Remove all that is held about a user; whether anything was.

    Args:
        user_id: the shop's id; lists may have been made for one that no event is of.
    """
    with transaction.atomic():
        database.lift_limit()
        # First: an event that arrives meanwhile waits, and then makes the user anew.
        own = User.objects.filter(catalog=catalog, external_id=user_id)
        user = own.select_for_update().first()
        lists = database.execute(_LISTS, {"catalog": catalog.pk, "id": user_id})
        named = Q(user=user_id) | Q(visitor=user_id)
        merges, _ = UserMerge.objects.filter(named, catalog=catalog).delete()
        if user is None:
            return bool(lists or merges)
        if database.execute(_EVENTS, {"catalog": catalog.pk, "user": user.pk}):
            Forgotten.objects.create(catalog=catalog)
        remove_user(user)
    return True


def erase_user(user: User) -> None:
    """The same of a user who is known."""
    erase(user.catalog, user.external_id)


def remove_user(user: User) -> None:
    """Remove a user's row, profiles and findings, in the caller's transaction; events stay."""
    spaces = list(Space.objects.filter(catalog=user.catalog_id).values_list("pk", flat=True))
    # Not partition by partition: one may have been retired, and its table be gone.
    database.execute(
        "DELETE FROM recommender_profilevector WHERE space_id = ANY(%s) AND user_id = %s",
        (spaces, user.pk),
    )
    InsightFinding.objects.filter(user=user).delete()
    user.delete()
