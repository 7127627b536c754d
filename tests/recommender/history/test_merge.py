from datetime import timedelta

import pytest

from recommender.history.erasure import erase_user
from recommender.history.ingest import ACCEPTED, DUPLICATE
from recommender.history.merge import merge_users
from recommender.models import Event, ProfileVector, Recommendation, User
from recommender.profiles import builder
from tests.recommender.effect.shown import show
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import at_once


def of(shop: Shop, user: str) -> list[str]:
    """The ids of the products that a user had."""
    events = Event.objects.filter(user=shop.user(user)).order_by("at")
    return [one.product.external_id for one in events.select_related("product") if one.product]


def test_who_stays_has_what_both_did_and_who_goes_is_gone(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("visitor", "mug", at=NOON + DAY)
    shop.visit("ann", "lamp")

    assert merge_users(shop.catalog, "ann", "visitor") == 1

    assert of(shop, "ann") == ["lamp", "mug"]
    assert shop.user("ann").last_event_at == NOON + DAY
    assert not User.objects.filter(external_id="visitor").exists()


def test_who_is_merged_into_a_user_nobody_knows_becomes_them(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("visitor", "mug")

    assert merge_users(shop.catalog, "ann", "visitor") == 1

    assert of(shop, "ann") == ["mug"]


def test_to_merge_again_changes_nothing(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("visitor", "mug")
    merge_users(shop.catalog, "ann", "visitor")
    version = shop.user("ann").history_version

    assert merge_users(shop.catalog, "ann", "visitor") is None

    assert of(shop, "ann") == ["mug"]
    assert shop.user("ann").history_version == version


def test_an_event_that_is_repeated_after_the_merge_is_still_a_repeat(shop: Shop) -> None:
    shop.stock(mug="Mug")
    viewed = event("visitor", "mug", id="e1")
    assert shop.post(viewed) == [ACCEPTED]
    merge_users(shop.catalog, "ann", "visitor")

    assert shop.post(viewed) == [DUPLICATE]
    assert shop.post(event("ann", "mug", id="e1")) == [DUPLICATE]


def test_events_that_come_late_are_merged_by_the_next_merge(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("visitor", "mug")
    merge_users(shop.catalog, "ann", "visitor")
    shop.visit("visitor", "lamp", at=NOON + timedelta(hours=1))

    assert merge_users(shop.catalog, "ann", "visitor") == 1
    assert of(shop, "ann") == ["mug", "lamp"]


def test_attributes_of_both_stay_and_those_of_who_stays_win(shop: Shop) -> None:
    own = User.objects.filter(catalog=shop.catalog)
    own.create(catalog=shop.catalog, external_id="visitor", attributes={"lang": "de", "tier": 1})
    own.create(catalog=shop.catalog, external_id="ann", attributes={"tier": 2})

    merge_users(shop.catalog, "ann", "visitor")

    assert shop.user("ann").attributes == {"lang": "de", "tier": 2}


def test_the_shop_vouches_for_who_stays(shop: Shop) -> None:
    User.objects.create(catalog=shop.catalog, external_id="ann", is_anonymous=True)
    User.objects.create(catalog=shop.catalog, external_id="guest", is_anonymous=True)

    merge_users(shop.catalog, "ann", "guest")

    assert not shop.user("ann").is_anonymous


def test_profiles_of_who_goes_are_removed_and_of_who_stays_made_anew(shop: Shop) -> None:
    shop.stock(**numbered(8))
    shop.embed()
    shop.visit("visitor", "p1", "p5")
    shop.visit("ann", "p0")
    both = [shop.user("ann").pk, shop.user("visitor").pk]
    builder.refresh(shop.space, both)
    assert set(ProfileVector.objects.values_list("user_id", flat=True)) == set(both)

    merge_users(shop.catalog, "ann", "visitor")

    ann = shop.user("ann")
    assert set(ProfileVector.objects.values_list("user_id", flat=True)) == {ann.pk}
    made_from = ProfileVector.objects.values_list("history_version", flat=True)
    assert ann.history_version not in set(made_from)


def test_a_user_is_not_merged_with_themselves(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug")

    with pytest.raises(ValueError, match="themselves"):
        merge_users(shop.catalog, "ann", "ann")

    assert of(shop, "ann") == ["mug"]


def test_of_merges_at_once_one_moves_the_events(committed_shop: Shop) -> None:
    shop = committed_shop
    shop.stock(mug="Mug")
    shop.visit("visitor", "mug")
    shop.visit("ann", "mug")

    moved = at_once(4, lambda _: merge_users(shop.catalog, "ann", "visitor"))

    assert sorted(moved, key=str) == [1, None, None, None]
    assert of(shop, "ann") == ["mug", "mug"]


def test_what_a_visitor_was_shown_is_theirs_who_stays_and_erased_with_them(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("visitor", "mug")
    other = Shop.open("other")
    for catalog in (shop, other):
        show(catalog, NOON, "mug", user="visitor")

    merge_users(shop.catalog, "ann", "visitor")

    shown = Recommendation.objects.filter(catalog=shop.catalog)
    assert list(shown.values_list("user", flat=True)) == ["ann"]
    erase_user(shop.user("ann"))
    assert not shown.exists()
    assert Recommendation.objects.get(catalog=other.catalog).user == "visitor"
