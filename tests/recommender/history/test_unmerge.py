from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.history import unmerge as unmerging
from recommender.history.erasure import erase
from recommender.history.merge import merge_users
from recommender.history.unmerge import MergedOnError, TooLateError, unmerge
from recommender.models import Recommendation, User, UserMerge
from tests.recommender.effect.shown import show
from tests.recommender.history.test_merge import of
from tests.shop import DAY, NOON, Shop

HOUR = timedelta(hours=1)


@pytest.fixture
def merged(shop: Shop) -> Shop:
    """A visitor who looked at a mug became Ann, who had looked at a lamp."""
    shop.stock(mug="Mug", lamp="Lamp", tent="Tent")
    shop.visit("visitor", "mug", at=NOON)
    shop.visit("ann", "lamp", at=NOON - HOUR)
    for user in ("visitor", "ann"):
        show(shop, NOON, user, user=user)
    attributes: list[tuple[str, dict[str, Any]]] = [
        ("visitor", {"lang": "de", "tier": 1, "seen": True}),
        ("ann", {"tier": 2}),
    ]
    for user, known in attributes:
        User.objects.filter(external_id=user).update(attributes=known)
    User.objects.filter(external_id="visitor").update(is_anonymous=True)
    assert merge_users(shop.catalog, "ann", "visitor") == 1
    return shop


def shown(user: str) -> list[str]:
    rows = Recommendation.objects.filter(user=user).values_list("items", flat=True)
    return [items[0][0] for items in rows]


def test_the_visitor_is_back_with_exactly_what_moved(merged: Shop) -> None:
    assert unmerge(merged.catalog, "ann", "visitor") == 1

    ann, visitor = merged.user("ann"), merged.user("visitor")
    assert (of(merged, "ann"), of(merged, "visitor")) == (["lamp"], ["mug"])
    assert (shown("ann"), shown("visitor")) == (["ann"], ["visitor"])
    assert ann.attributes == {"tier": 2}
    assert visitor.attributes == {"lang": "de", "tier": 1, "seen": True}
    assert (ann.last_event_at, visitor.last_event_at) == (NOON - HOUR, NOON)
    assert (ann.is_anonymous, visitor.is_anonymous) == (False, True)
    assert visitor.history_version > 0


def test_what_came_to_the_user_since_stays_with_them(merged: Shop) -> None:
    merged.visit("ann", "tent", at=NOON + HOUR)
    User.objects.filter(external_id="ann").update(
        attributes={"tier": 3, "lang": "fr", "seen": True}
    )
    version = merged.user("ann").history_version

    unmerge(merged.catalog, "ann", "visitor")

    assert of(merged, "ann") == ["lamp", "tent"]
    assert merged.user("ann").attributes == {"tier": 3, "lang": "fr"}
    assert merged.user("ann").history_version > version


def test_to_undo_again_changes_nothing_and_it_can_be_merged_again(merged: Shop) -> None:
    unmerge(merged.catalog, "ann", "visitor")
    assert unmerge(merged.catalog, "ann", "visitor") is None
    assert of(merged, "visitor") == ["mug"]
    assert merge_users(merged.catalog, "ann", "visitor") == 1
    assert of(merged, "ann") == ["lamp", "mug"]


def test_a_visitor_who_came_anew_since_gets_theirs_back(merged: Shop) -> None:
    merged.visit("visitor", "tent", at=NOON + DAY)
    assert unmerge(merged.catalog, "ann", "visitor") == 1
    assert of(merged, "visitor") == ["mug", "tent"]


def test_all_merges_of_the_day_are_undone_together(merged: Shop) -> None:
    merged.visit("visitor", "tent", at=NOON + DAY)
    merge_users(merged.catalog, "ann", "visitor")
    assert unmerge(merged.catalog, "ann", "visitor") == 2
    assert of(merged, "visitor") == ["mug", "tent"]
    assert not UserMerge.objects.exists()


def test_after_a_day_it_is_too_late_and_nothing_that_moved_is_remembered(merged: Shop) -> None:
    UserMerge.objects.update(at=timezone.now() - DAY)
    with pytest.raises(TooLateError, match="can be undone for a day"):
        unmerge(merged.catalog, "ann", "visitor")

    assert unmerging.forget_undoable() == 1
    assert unmerging.forget_undoable() == 0

    row = UserMerge.objects.get()
    assert (row.visitor_row, row.events, row.lists, row.gained) == (None, [], [], [])
    with pytest.raises(TooLateError):
        unmerge(merged.catalog, "ann", "visitor")


def test_a_user_who_was_merged_on_is_parted_first(merged: Shop) -> None:
    merge_users(merged.catalog, "bob", "ann")
    with pytest.raises(MergedOnError, match="merged into 'bob'"):
        unmerge(merged.catalog, "ann", "visitor")

    assert unmerge(merged.catalog, "bob", "ann") == 2
    assert unmerge(merged.catalog, "ann", "visitor") == 1
    assert (of(merged, "ann"), of(merged, "visitor")) == (["lamp"], ["mug"])


def test_who_is_erased_is_not_brought_back(merged: Shop) -> None:
    assert erase(merged.catalog, "ann")
    assert unmerge(merged.catalog, "ann", "visitor") is None
    assert not User.objects.exists()


def test_a_visitor_who_is_erased_after_the_merge_is_named_nowhere(merged: Shop) -> None:
    assert erase(merged.catalog, "visitor")
    assert not UserMerge.objects.exists()
    assert not erase(merged.catalog, "visitor")
