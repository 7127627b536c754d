from collections import Counter
from datetime import timedelta
from random import Random
from uuid import uuid4

from django.utils import timezone

from recommender.history import ingest
from recommender.history.erasure import erase_user
from recommender.history.ingest import ACCEPTED, DUPLICATE, UNKNOWN_PRODUCT, NewEvent
from recommender.models import Event, EventKey, Product, ProfileVector, User
from recommender.profiles import builder
from recommender.spaces import lifecycle, switching
from tests.recommender.spaces.training import train
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import at_once, overtaken


def test_each_event_has_its_outcome_in_order(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug", id="e1"))

    assert shop.post(
        event("ann", "tent", id="e2"), event("ann", "mug", id="e1"), event("bob", "mug", id="e3")
    ) == [UNKNOWN_PRODUCT, DUPLICATE, ACCEPTED]


def test_an_event_is_stored_as_it_was_sent(shop: Shop) -> None:
    shop.stock(mug="Mug")
    answer = uuid4()

    shop.post(
        NewEvent(
            type="purchase",
            user="ann",
            product="mug",
            at=NOON,
            quantity=2,
            value=9.5,
            rec_id=answer,
        )
    )

    stored = Event.objects.get()
    assert (stored.user, stored.product) == (shop.user("ann"), shop.product("mug"))
    assert (stored.type, stored.at) == ("purchase", NOON)
    assert (stored.quantity, stored.value, stored.rec_id) == (2, 9.5, answer)


def test_a_retried_event_is_not_counted_twice_even_if_it_is_stamped_anew(shop: Shop) -> None:
    """A client that sends no time has its events stamped on arrival."""
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug", id="e1", at=NOON))

    assert shop.post(event("ann", "mug", id="e1", at=NOON + 40 * DAY)) == [DUPLICATE]

    assert Event.objects.get().at == NOON
    assert shop.user("ann").history_version == 1


def test_of_two_events_with_one_id_in_a_call_the_first_counts(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")

    assert shop.post(event("ann", "mug", id="e1"), event("ann", "tent", id="e1")) == [
        ACCEPTED,
        DUPLICATE,
    ]

    assert Event.objects.get().product == shop.product("mug")


def test_events_without_an_id_are_all_different(shop: Shop) -> None:
    shop.stock(mug="Mug")

    assert shop.post(event("ann", "mug"), event("ann", "mug")) == [ACCEPTED, ACCEPTED]

    assert Event.objects.count() == 2


def test_an_id_is_its_catalog_s_own(shop: Shop) -> None:
    other = Shop.open("other")
    for store in (shop, other):
        store.stock(mug="Mug")

    assert shop.post(event("ann", "mug", id="e1")) == [ACCEPTED]
    assert other.post(event("ann", "mug", id="e1")) == [ACCEPTED]
    assert User.objects.filter(external_id="ann").count() == 2


def test_an_event_that_came_before_its_product_can_be_sent_again(shop: Shop) -> None:
    early = event("ann", "mug", id="e1")
    assert shop.post(early) == [UNKNOWN_PRODUCT]
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
    assert not User.objects.exists()

    shop.stock(mug="Mug")

    assert shop.post(early) == [ACCEPTED]


def test_an_unknown_product_does_not_use_up_an_id_of_the_same_call(shop: Shop) -> None:
    shop.stock(mug="Mug")

    assert shop.post(event("ann", "tent", id="e1"), event("ann", "mug", id="e1")) == [
        UNKNOWN_PRODUCT,
        ACCEPTED,
    ]


def test_a_deleted_product_is_unknown_and_another_catalog_s_too(shop: Shop) -> None:
    shop.stock(mug="Mug")
    Product.objects.update(deleted_at=timezone.now())
    Shop.open("other").stock(tent="Tent")

    assert shop.post(event("ann", "mug"), event("ann", "tent")) == [UNKNOWN_PRODUCT] * 2


def test_a_search_needs_no_product(shop: Shop) -> None:
    assert shop.post(event("ann", None, type="search")) == [ACCEPTED]

    assert Event.objects.get().product is None


def test_a_new_user_is_made_and_a_known_one_is_found(shop: Shop) -> None:
    shop.stock(mug="Mug")
    known = User.objects.create(catalog=shop.catalog, external_id="ann", attributes={"city": "Ulm"})

    shop.visit("ann", "mug")
    shop.visit("bob", "mug")

    assert shop.user("ann") == known
    assert shop.user("ann").attributes == {"city": "Ulm"}
    assert shop.user("bob").last_event_at == NOON


def test_a_call_is_one_change_of_a_user_s_history_and_a_repeat_is_none(shop: Shop) -> None:
    shop.stock(mug="Mug")
    events = [event("ann", "mug", id=f"e{n}") for n in range(3)]

    shop.post(*events)
    assert shop.user("ann").history_version == 1
    shop.post(*events)
    assert shop.user("ann").history_version == 1
    shop.post(*events, event("ann", "mug", id="e9"))
    assert shop.user("ann").history_version == 2


def test_the_last_event_is_the_latest_and_not_what_came_last(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug", at=NOON)
    shop.visit("ann", "mug", at=NOON - 9 * DAY)

    assert shop.user("ann").last_event_at == NOON


def test_no_events_are_no_work(shop: Shop) -> None:
    assert shop.post() == []


def test_a_key_is_the_same_for_every_repeat_and_random_without_an_id() -> None:
    assert ingest.key_of(1, "e1") == ingest.key_of(1, "e1")
    assert len({ingest.key_of(1, "e1"), ingest.key_of(2, "e1"), ingest.key_of(1, "e2")}) == 3
    assert ingest.key_of(1, None) != ingest.key_of(1, None)


def test_many_senders_at_once_neither_deadlock_nor_count_anything_twice(
    committed_shop: Shop,
) -> None:
    """Each sends every event, in an order of its own: users and ids meet in all directions."""
    products, users, senders = numbered(10), [f"user{n}" for n in range(40)], 6
    committed_shop.stock(**products)
    events = [
        event(
            user,
            product,
            id=f"{user} {product}",
            at=NOON + n * timedelta(days=11),
        )
        for user in users
        for n, product in enumerate(products)
    ]

    def send(number: int) -> Counter[str]:
        shuffled = Random(number).sample(events, len(events))
        outcomes: Counter[str] = Counter()
        for start in range(0, len(shuffled), 50):
            outcomes.update(committed_shop.post(*shuffled[start : start + 50]))
        return outcomes

    total = sum(at_once(senders, send), Counter())

    assert total == {ACCEPTED: len(events), DUPLICATE: (senders - 1) * len(events)}
    assert Event.objects.count() == EventKey.objects.count() == len(events)
    assert User.objects.count() == len(users)
    per_user = Counter(Event.objects.values_list("user_id", flat=True))
    assert set(per_user.values()) == {len(products)}


def test_an_erased_user_leaves_nothing_and_the_others_stay(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.embed()
    shop.visit("ann", "mug", "mug")
    shop.visit("bob", "mug")
    builder.refresh(shop.space, [shop.user("ann").pk, shop.user("bob").pk])
    bob = shop.user("bob")

    erase_user(shop.user("ann"))

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

    erase_user(shop.user("ann"))

    assert not ProfileVector.objects.exists()


def test_an_erased_user_can_come_back_with_the_same_events(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug", id="e1"))
    erase_user(shop.user("ann"))

    assert shop.post(event("ann", "mug", id="e1")) == ["accepted"]

    assert shop.user("ann").history_version == 1


def test_an_event_that_arrives_during_the_erasure_is_the_first_of_a_new_user(
    committed_shop: Shop,
) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    old = committed_shop.user("ann")

    outcomes = overtaken(
        lambda: committed_shop.post(event("ann", "mug")), holding=lambda: erase_user(old)
    )

    assert outcomes == ["accepted"]
    assert Event.objects.get().user == committed_shop.user("ann")
    assert committed_shop.user("ann").history_version == 1


def test_an_event_that_is_being_stored_is_erased_too(committed_shop: Shop) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    ann = committed_shop.user("ann")

    overtaken(lambda: erase_user(ann), holding=lambda: committed_shop.post(event("ann", "mug")))

    assert not User.objects.exists()
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
