from recommender import database
from recommender.models import User
from recommender.profiles import builder
from recommender.profiles.staleness import note_new_settings, note_new_vectors, stale_users
from recommender.spaces.lifecycle import create_space
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import at_once


def stale(shop: Shop) -> set[str]:
    keys = stale_users(shop.space, after=0, limit=1000)
    return set(User.objects.filter(pk__in=keys).values_list("external_id", flat=True))


def refresh(shop: Shop) -> None:
    builder.refresh(shop.space, stale_users(shop.space, after=0, limit=1000))


def test_a_new_event_makes_only_its_user_s_profile_stale(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug")
    shop.visit("bob", "mug")
    assert stale(shop) == {"ann", "bob"}
    refresh(shop)
    assert stale(shop) == set()

    shop.visit("ann", "mug", at=NOON + DAY)

    assert stale(shop) == {"ann"}


def test_what_says_nothing_of_taste_makes_no_profile_stale(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    refresh(shop)

    later = NOON + DAY
    shop.post(
        event("ann", "lamp", type="impression", at=later),
        event("ann", "lamp", type="view_portion", value=0.0, at=later),
        event("ann", "lamp", type="rating", value=2.5, at=later),
        event("ann", None, type="search", at=later),
        event("looker", "lamp", type="impression", at=later),
    )

    assert stale(shop) == set()
    assert shop.user("ann").last_event_at == later


def test_one_event_that_counts_among_many_that_do_not_makes_a_profile_stale(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    refresh(shop)

    shop.post(event("ann", "lamp", type="impression"), event("ann", "lamp", type="dislike"))

    assert stale(shop) == {"ann"}


def test_by_other_weights_an_impression_may_count(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("looker", "mug", type="impression"))
    assert stale(shop) == set()

    shop.catalog.event_weights |= {"impression": 0.1}
    shop.catalog.save()
    note_new_settings(shop.catalog)

    assert stale(shop) == {"looker"}
    shop.post(event("another", "mug", type="impression"))
    assert stale(shop) == {"looker", "another"}


def test_a_user_without_events_has_no_stale_profile(shop: Shop) -> None:
    User.objects.create(catalog=shop.catalog, external_id="new")

    assert stale(shop) == set()


def test_stale_users_come_in_pages(shop: Shop) -> None:
    shop.stock(mug="Mug")
    for number in range(5):
        shop.visit(f"user{number}", "mug")

    first = stale_users(shop.space, after=0, limit=3)
    rest = stale_users(shop.space, after=first[-1], limit=3)

    assert (len(first), len(rest)) == (3, 2)
    assert first + rest == sorted({*first, *rest})


def test_another_catalogue_s_users_are_not_stale_here(shop: Shop) -> None:
    other = Shop.open("other")
    other.stock(mug="Mug")
    other.visit("ann", "mug")

    assert stale(shop) == set()
    assert stale(other) == {"ann"}


def test_new_vectors_make_the_profiles_stale_that_they_are_part_of(committed_shop: Shop) -> None:
    shop = committed_shop
    shop.stock(mug="Mug", tent="Tent")
    shop.embed()
    shop.visit("ann", "mug")
    shop.visit("bob", "tent")
    note_new_vectors(shop.space.pk)
    refresh(shop)

    shop.stock(mug="A mug by another name")
    shop.embed()
    assert stale(shop) == set()
    note_new_vectors(shop.space.pk)

    assert stale(shop) == {"ann"}
    refresh(shop)
    note_new_vectors(shop.space.pk)
    assert stale(shop) == set()


def test_a_new_vector_makes_no_profile_stale_whose_user_was_only_shown_the_product(
    committed_shop: Shop,
) -> None:
    shop = committed_shop
    shop.stock(mug="Mug", tent="Tent")
    shop.embed()
    shop.visit("ann", "mug")
    shop.visit("bob", "tent")
    shop.post(event("bob", "mug", type="impression"), event("looker", "mug", type="impression"))
    note_new_vectors(shop.space.pk)
    refresh(shop)

    shop.stock(mug="A mug by another name")
    shop.embed()
    note_new_vectors(shop.space.pk)

    assert stale(shop) == {"ann"}


def test_vectors_are_noted_once_all_products_have_theirs(committed_shop: Shop) -> None:
    shop = committed_shop
    shop.stock(mug="Mug")
    shop.embed()
    shop.visit("ann", "mug")
    refresh(shop)
    shop.stock(tent="Tent")

    note_new_vectors(shop.space.pk)
    assert stale(shop) == set()

    shop.embed()
    note_new_vectors(shop.space.pk)
    assert stale(shop) == {"ann"}


def test_a_user_none_of_whose_products_has_a_vector_is_built_once_until_one_has(
    committed_shop: Shop,
) -> None:
    shop = committed_shop
    shop.stock(late="A product that is embedded later")
    shop.visit("ann", "late")
    refresh(shop)
    assert stale(shop) == set()

    shop.embed()
    note_new_vectors(shop.space.pk)
    assert stale(shop) == {"ann"}

    refresh(shop)
    assert stale(shop) == set()
    assert builder.build(shop.space, [shop.user("ann").pk])


def test_nothing_happens_for_a_space_that_is_gone(shop: Shop) -> None:
    note_new_vectors(shop.space.pk + 1)


def test_events_and_new_vectors_at_once_neither_deadlock_nor_lose_a_change(
    committed_shop: Shop,
) -> None:
    """The users' keys run against their names: whoever locked by key would deadlock."""
    shop = committed_shop
    shop.stock(**numbered(4))
    shop.embed()
    users = [f"user{number:03}" for number in range(60)]
    for user in reversed(users):
        shop.visit(user, "p0")
    rounds = 12

    def post(number: int) -> None:
        for turn in range(rounds):
            at = NOON + (number * rounds + turn) * DAY
            shop.post(*(event(user, "p1", at=at) for user in users))

    def note(_: int) -> None:
        for _turn in range(rounds):
            # As if just embedded: every user of these products is touched.
            database.execute("UPDATE recommender_space SET profiles_at = NULL")
            note_new_vectors(shop.space.pk)

    before = dict(User.objects.values_list("external_id", "history_version"))
    at_once(4, lambda number: post(number) if number < 2 else note(number))

    after = dict(User.objects.values_list("external_id", "history_version"))
    gained = {user: after[user] - before[user] for user in users}
    assert len(set(gained.values())) == 1
    assert 2 * rounds < gained[users[0]] <= 4 * rounds


def test_the_first_vectors_of_a_space_that_is_built_leave_the_profiles_that_serve_alone(
    committed_shop: Shop,
) -> None:
    shop = committed_shop
    shop.stock(mug="Mug")
    shop.visit("ann", "mug")
    shop.embed()
    refresh(shop)
    building = create_space(shop.catalog, model="fake", dimension=8)
    shop.embed(building)

    note_new_vectors(building.pk)

    assert stale(shop) == set()
    building.refresh_from_db()
    assert building.profiles_at == building.embedded_at
    assert len(stale_users(building, after=0, limit=10)) == 1
