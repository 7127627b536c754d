from collections import Counter
from datetime import timedelta
from random import Random
from uuid import uuid4

from django.utils import timezone

from recommender.history import ingest
from recommender.history.ingest import ACCEPTED, DUPLICATE, UNKNOWN_PRODUCT, NewEvent
from recommender.models import Event, EventKey, Product, User
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import at_once


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


def test_an_id_is_its_catalogue_s_own(shop: Shop) -> None:
    other = Shop.open("other")
    for each in (shop, other):
        each.stock(mug="Mug")

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


def test_a_deleted_product_is_unknown_and_another_catalogue_s_too(shop: Shop) -> None:
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
