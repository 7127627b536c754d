"""Two users that turn out to be one: a visitor who has signed in. `unmerge` takes it back."""

from django.db import transaction
from django.utils import timezone

from recommender import database
from recommender.history.erasure import remove_user
from recommender.models import Catalog, User, UserMerge


def merge_users(catalog: Catalog, into_id: str, from_id: str) -> int | None:
    """Give all that one user did and was shown to another, and remove the one; how many events.

    Events keep their ids, so a repeat of one stays a repeat. The profile of the user who stays is
    stale from the moment this commits. Attributes of both are kept; where both have one, that of
    the user who stays. The user who stays is made where nobody knows them, and is known from then
    on. To merge again changes nothing.

    Args:
        into_id: the user who stays, by the shop's id.
        from_id: the user who goes; another one.

    Returns:
        The events that changed hands; None where nobody knows the user who goes.

    Raises:
        ValueError: it is one user.
        Catalog.DoesNotExist: it has been deleted; or an IntegrityError, where it just is.
    """
    if into_id == from_id:
        raise ValueError("a user is not merged with themselves")
    with transaction.atomic():
        User.objects.get_or_create(catalog=catalog, external_id=into_id)
        # In the order in which events lock users, so that they wait for each other. An event that
        # arrives for the user who goes waits, too, and then makes them anew.
        both = User.objects.filter(catalog=catalog, external_id__in=(into_id, from_id))
        locked = both.select_for_update().order_by("external_id")
        found = {user.external_id: user for user in locked}
        into, gone = found.get(into_id), found.get(from_id)
        if into is None:
            raise Catalog.DoesNotExist
        moved = None if gone is None else _move(gone, into)
        into.is_anonymous = False
        into.save(update_fields=["attributes", "history_version", "last_event_at", "is_anonymous"])
    return moved


_EVENTS = "UPDATE recommender_event SET user_id = %s WHERE user_id = %s RETURNING id"
# What was shown to the one is what the other goes on from: for effect, and to be erased.
_LISTS = """
UPDATE recommender_recommendation SET "user" = %s WHERE catalog_id = %s AND "user" = %s
RETURNING rec_id
"""


def _move(gone: User, into: User) -> int:
    events = [key for (key,) in database.fetch(_EVENTS, (into.pk, gone.pk))]
    ids = (into.external_id, into.catalog_id, gone.external_id)
    UserMerge.objects.create(
        catalog_id=into.catalog_id,
        user=into.external_id,
        visitor=gone.external_id,
        at=timezone.now(),
        visitor_row={
            "attributes": gone.attributes,
            "is_anonymous": gone.is_anonymous,
            "exclusion": gone.exclusion,
        },
        gained=[name for name in gone.attributes if name not in into.attributes],
        events=events,
        lists=[key for (key,) in database.fetch(_LISTS, ids)],
    )
    into.attributes = {**gone.attributes, **into.attributes}
    into.history_version += 1
    times = [at for at in (gone.last_event_at, into.last_event_at) if at is not None]
    into.last_event_at = max(times, default=None)
    remove_user(gone)
    return len(events)
