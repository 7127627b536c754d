"""A merge taken back: exactly what moved moves back, and what came since stays."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recommender import database
from recommender.models import Catalog, User, UserMerge

UNDOABLE = timedelta(days=1)

_EVENTS = "UPDATE recommender_event SET user_id = %s WHERE user_id = %s AND id = ANY(%s)"
_LISTS = """
UPDATE recommender_recommendation SET "user" = %s
WHERE catalog_id = %s AND "user" = %s AND rec_id = ANY(%s)
"""
_LAST = "SELECT max(at) FROM recommender_event WHERE user_id = %s"


class UnmergeError(Exception):
    """A merge cannot be taken back; the message says why."""


class TooLateError(UnmergeError):
    """It is more than a day ago."""


class MergedOnError(UnmergeError):
    """The user was merged into another since."""


def unmerge(catalog: Catalog, user_id: str, visitor_id: str) -> int | None:
    """Give a visitor back what a user got of them in the last day; how many events.

    The visitor is a user again, as they were, or who has come anew since gets it. What came to the
    user after the merge stays, as do attributes that were changed since. To do it again changes
    nothing.

    Returns:
        The events that moved back; None where there is nothing to take back.

    Raises:
        TooLateError: the merge is more than a day ago.
        MergedOnError: the user was merged into another since: that is to be taken back first.
    """
    with transaction.atomic():
        database.lift_limit()
        merges = _merges(catalog, user_id, visitor_id)
        if not merges:
            return None
        User.objects.get_or_create(catalog=catalog, external_id=visitor_id)
        # In the order in which events lock users, as `merge_users`.
        both = User.objects.filter(catalog=catalog, external_id__in=(user_id, visitor_id))
        found = {
            user.external_id: user for user in both.select_for_update().order_by("external_id")
        }
        user, visitor = found.get(user_id), found[visitor_id]
        if user is None:
            raise MergedOnError(f"There is no user {user_id!r} any more to take events from.")
        return sum(_move_back(merge, user, visitor) for merge in merges)


def _merges(catalog: Catalog, user_id: str, visitor_id: str) -> Sequence[UserMerge]:
    """Those that can be taken back, the first first.

    Raises:
        TooLateError, MergedOnError: none can.
    """
    own: QuerySet[UserMerge] = UserMerge.objects.filter(catalog=catalog)
    merges = own.filter(user=user_id, visitor=visitor_id).order_by("pk")
    found = list(merges.select_for_update())
    recent = [one for one in found if one.at > timezone.now() - UNDOABLE and one.visitor_row]
    if found and not recent:
        raise TooLateError(
            f"User {visitor_id!r} was merged into {user_id!r} at "
            f"{found[-1].at:%Y-%m-%d %H:%M} UTC; a merge can be undone for a day."
        )
    later = own.filter(visitor=user_id, pk__gt=recent[-1].pk).last() if recent else None
    if later is not None:
        raise MergedOnError(
            f"User {user_id!r} was merged into {later.user!r} since; undo that merge first."
        )
    return recent


def _move_back(merge: UserMerge, user: User, visitor: User) -> int:
    moved = database.execute(_EVENTS, (visitor.pk, user.pk, merge.events))
    ids = (visitor.external_id, merge.catalog_id, user.external_id, merge.lists)
    database.execute(_LISTS, ids)
    before = merge.visitor_row or {}
    attributes = before["attributes"]
    user.attributes = {
        name: value
        for name, value in user.attributes.items()
        if name not in merge.gained or value != attributes[name]
    }
    visitor.attributes = {**attributes, **visitor.attributes}
    visitor.is_anonymous = before["is_anonymous"]
    visitor.exclusion = visitor.exclusion or before["exclusion"]
    for one in (user, visitor):
        one.history_version += 1
        one.last_event_at = database.fetch(_LAST, (one.pk,))[0][0]
        one.save()
    merge.delete()
    return moved


def forget_undoable(now: datetime | None = None) -> int:
    """Empty what merges hold to be undone, once they cannot be; how many. May run twice."""
    until = (now or timezone.now()) - UNDOABLE
    old = UserMerge.objects.filter(at__lte=until, visitor_row__isnull=False)
    return old.update(visitor_row=None, gained=[], events=[], lists=[])
