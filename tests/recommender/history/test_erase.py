from recommender.history import erase
from recommender.models import Event, EventKey, ProfileVector, User
from recommender.profiles import builder
from recommender.spaces import lifecycle, switching
from tests.recommender.spaces.training import train
from tests.shop import Shop, event
from tests.threads import overtaken


def test_an_erased_user_leaves_nothing_and_the_others_stay(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.embed()
    shop.visit("ann", "mug", "mug")
    shop.visit("bob", "mug")
    builder.refresh(shop.space, [shop.user("ann").pk, shop.user("bob").pk])
    bob = shop.user("bob")

    erase.erase(shop.user("ann"))

    assert list(User.objects.all()) == [bob]
    assert set(Event.objects.values_list("user_id", flat=True)) == {bob.pk}
    assert EventKey.objects.count() == 1
    assert set(ProfileVector.objects.values_list("user_id", flat=True)) == {bob.pk}


def test_a_profile_is_erased_in_every_space_though_one_was_retired(shop: Shop) -> None:
    shop.stock(mug="Mug", cup="Cup")
    shop.embed()
    retired, serving = train(shop), train(shop)
    switching.activate(serving)
    lifecycle.retire(retired)
    shop.visit("ann", "mug")
    for space in (shop.space, serving):
        assert builder.refresh(space, [shop.user("ann").pk]) == 1

    erase.erase(shop.user("ann"))

    assert not ProfileVector.objects.exists()


def test_an_erased_user_can_come_back_with_the_same_events(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug", id="e1"))
    erase.erase(shop.user("ann"))

    assert shop.post(event("ann", "mug", id="e1")) == ["accepted"]

    assert shop.user("ann").history_version == 1


def test_an_event_that_arrives_during_the_erasure_is_the_first_of_a_new_user(
    committed_shop: Shop,
) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    old = committed_shop.user("ann")

    outcomes = overtaken(
        lambda: committed_shop.post(event("ann", "mug")), holding=lambda: erase.erase(old)
    )

    assert outcomes == ["accepted"]
    assert Event.objects.get().user == committed_shop.user("ann")
    assert committed_shop.user("ann").history_version == 1


def test_an_event_that_is_being_stored_is_erased_too(committed_shop: Shop) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    ann = committed_shop.user("ann")

    overtaken(lambda: erase.erase(ann), holding=lambda: committed_shop.post(event("ann", "mug")))

    assert not User.objects.exists()
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
