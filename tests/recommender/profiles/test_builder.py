from datetime import datetime

import numpy as np
import pytest

from recommender import database
from recommender.history.erasure import erase_user
from recommender.models import ProfileVector, User
from recommender.profiles import builder
from recommender.profiles.builder import note_new_settings, note_new_vectors, stale_users
from recommender.profiles.profile import ProfileRow
from recommender.spaces.lifecycle import create_space
from recommender.spaces.partitions import load_vectors
from tests.recommender.spaces.training import train
from tests.shop import DAY, NOON, Shop, event, numbered
from tests.threads import at_once, overtaken

Kind = ProfileVector.Kind
# (kind, position, product, weight, vector)
Plain = tuple[str, int, str, float, list[float]]


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    stock(shop)
    return shop


def stock(shop: Shop) -> None:
    shop.stock(
        mug="Blue mug", cup="Blue cup", tent="Dome tent", mat="Sleeping mat for a tent", blank=""
    )
    shop.embed()


def plain(rows: list[ProfileRow], shop: Shop) -> list[Plain]:
    names = dict(shop.catalog.products.values_list("pk", "external_id"))
    return [
        (row.kind, row.position, names[row.product_id], round(row.weight, 9), row.vector.tolist())
        for row in rows
    ]


def built(shop: Shop, user: str, before: datetime | None = None) -> list[Plain]:
    pk = shop.user(user).pk
    return plain(builder.build(shop.space, [pk], before).get(pk, []), shop)


def stored(shop: Shop, user: str) -> list[ProfileVector]:
    rows = ProfileVector.objects.filter(space=shop.space, user__external_id=user)
    return list(rows.order_by("kind", "position"))


def test_a_profile_has_interests_and_what_was_looked_at_last(stocked: Shop) -> None:
    stocked.visit("ann", "mug", "tent", "mug", at=NOON - 30 * DAY)
    stocked.visit("ann", "tent", at=NOON)

    rows = built(stocked, "ann")

    assert {(kind, product) for kind, _, product, _, _ in rows} == {
        (Kind.INTEREST, "mug"),
        (Kind.INTEREST, "tent"),
        (Kind.SHORT_TERM, "tent"),
        (Kind.LAST, "tent"),
    }
    assert sum(weight for kind, _, _, weight, _ in rows if kind == Kind.INTEREST) == pytest.approx(
        1
    )
    for *_, vector in rows:
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)


def test_an_interest_is_the_vector_of_its_product(stocked: Shop) -> None:
    stocked.visit("ann", "mug")

    interest, recent, last = built(stocked, "ann")

    _, matrix = load_vectors(stocked.space.pk, [stocked.product("mug").pk])
    assert interest == (Kind.INTEREST, 0, "mug", 1.0, matrix[0].tolist())
    np.testing.assert_allclose(recent[-1], interest[-1], atol=1e-3)
    assert last == (Kind.LAST, 0, "mug", 1.0, matrix[0].tolist())


def test_what_is_stored_is_what_is_built(stocked: Shop) -> None:
    stocked.visit("ann", "mug", "tent", "cup")
    stocked.visit("bob", "mat")

    assert builder.refresh(stocked.space, [stocked.user("ann").pk, stocked.user("bob").pk]) == 2

    for user in ("ann", "bob"):
        rows = {(row.kind, row.position): row for row in stored(stocked, user)}
        expected = built(stocked, user)
        assert len(rows) == len(expected)
        for kind, position, product, weight, vector in expected:
            row = rows[kind, position]
            assert row.product.external_id == product
            assert row.weight == pytest.approx(weight)
            np.testing.assert_allclose(row.embedding, vector, atol=1e-3)
            assert row.history_version == stocked.user(user).history_version


def test_a_refresh_replaces_the_profile_and_all_of_it(stocked: Shop) -> None:
    stocked.visit("ann", "mug", "tent")
    builder.refresh(stocked.space, [stocked.user("ann").pk])
    assert len(stored(stocked, "ann")) == 4

    stocked.post(event("ann", "tent", type="dislike", at=NOON + DAY))
    builder.refresh(stocked.space, [stocked.user("ann").pk])

    assert {(row.kind, row.product.external_id) for row in stored(stocked, "ann")} == {
        (Kind.INTEREST, "mug"),
        (Kind.SHORT_TERM, "mug"),
        (Kind.LAST, "mug"),
        (Kind.NEGATIVE, "tent"),
    }


def test_a_trained_space_has_a_long_term_factor_and_no_interests(stocked: Shop) -> None:
    space = train(stocked)
    stocked.visit("ann", "mug", "tent")
    ann = stocked.user("ann")

    assert builder.refresh(space, [ann.pk]) == 1

    rows = {row.kind: row for row in ProfileVector.objects.filter(space=space)}
    assert set(rows) == {Kind.SHORT_TERM, Kind.LAST, Kind.LONG_TERM}
    (expected,) = [
        row for row in builder.build(space, [ann.pk])[ann.pk] if row.kind == Kind.LONG_TERM
    ]
    np.testing.assert_allclose(rows[Kind.LONG_TERM].embedding, expected.vector, rtol=2e-3)
    assert np.linalg.norm(rows[Kind.LAST].embedding) == pytest.approx(1, abs=1e-3)
    assert stale_users(space, after=0, limit=10) == []


def test_a_profile_as_of_a_time_does_not_know_what_came_later(stocked: Shop) -> None:
    stocked.visit("ann", "mug", "cup", at=NOON - 10 * DAY)
    before = built(stocked, "ann", NOON)

    stocked.visit("ann", "tent", "mat", at=NOON)
    stocked.post(event("ann", "mug", type="dislike", at=NOON + DAY))

    assert built(stocked, "ann", NOON) == before
    assert built(stocked, "ann") != before


def test_before_the_first_event_there_is_no_profile(stocked: Shop) -> None:
    stocked.visit("ann", "mug", at=NOON)

    assert built(stocked, "ann", NOON - DAY) == []


def test_a_purchase_outweighs_a_view(stocked: Shop) -> None:
    stocked.post(event("ann", "tent", type="purchase"), event("ann", "mug"))

    weights = {p: w for kind, _, p, w, _ in built(stocked, "ann") if kind == Kind.INTEREST}

    assert weights == pytest.approx({"tent": 5 / 6, "mug": 1 / 6})


def test_old_events_fade(stocked: Shop) -> None:
    stocked.visit("ann", "mug", at=NOON - 60 * DAY)
    stocked.visit("ann", "tent", at=NOON)

    weights = {p: w for kind, _, p, w, _ in built(stocked, "ann") if kind == Kind.INTEREST}

    assert weights == pytest.approx({"tent": 2 / 3, "mug": 1 / 3})


def test_products_without_a_vector_are_passed_over(stocked: Shop) -> None:
    stocked.stock(late="Not embedded yet")
    stocked.visit("ann", "blank", "late", "mug")

    assert {product for _, _, product, _, _ in built(stocked, "ann")} == {"mug"}


@pytest.mark.parametrize("kind", ["dislike", "remove_from_cart"])
def test_a_history_that_speaks_for_nothing_is_an_empty_profile_and_not_a_stale_one(
    stocked: Shop, kind: str
) -> None:
    stocked.post(event("ann", "mug", type=kind))
    ann = stocked.user("ann").pk
    assert stale_users(stocked.space, after=0, limit=10) == [ann]

    assert builder.refresh(stocked.space, [ann]) == 0

    (row,) = stored(stocked, "ann")
    assert (row.kind, row.embedding, row.product) == (Kind.NONE, None, None)
    assert stale_users(stocked.space, after=0, limit=10) == []


def test_a_user_nobody_knows_gets_no_profile(stocked: Shop) -> None:
    assert builder.refresh(stocked.space, [-1]) == 0
    assert not ProfileVector.objects.filter(space=stocked.space).exists()


def test_refreshing_the_same_users_at_once_leaves_each_one_whole_profile(
    committed_shop: Shop,
) -> None:
    stock(committed_shop)
    users = [f"user{number}" for number in range(20)]
    for user in users:
        committed_shop.visit(user, "mug", "tent")
    keys = list(User.objects.order_by("pk").values_list("pk", flat=True))

    def refresh(number: int) -> None:
        for _ in range(5):
            builder.refresh(committed_shop.space, keys if number % 2 else keys[::-1])

    at_once(4, refresh)

    rows = ProfileVector.objects.filter(space=committed_shop.space)
    assert rows.count() == 4 * len(users)
    assert stale_users(committed_shop.space, after=0, limit=100) == []


def test_an_event_during_a_refresh_leaves_the_profile_stale(committed_shop: Shop) -> None:
    stock(committed_shop)
    committed_shop.visit("ann", "mug")
    space, ann = committed_shop.space, committed_shop.user("ann")

    def view_another() -> None:
        User.objects.select_for_update().get(pk=ann.pk)
        committed_shop.visit("ann", "tent", at=NOON + DAY)

    overtaken(lambda: builder.refresh(space, [ann.pk]), view_another)

    assert stale_users(space, after=0, limit=10) == [ann.pk]


def test_a_user_who_is_erased_during_a_refresh_gets_no_profile(committed_shop: Shop) -> None:
    stock(committed_shop)
    committed_shop.visit("ann", "mug")
    space, ann = committed_shop.space, committed_shop.user("ann")
    key = ann.pk

    overtaken(lambda: builder.refresh(space, [key]), lambda: erase_user(ann))

    assert not ProfileVector.objects.filter(space=space).exists()


def test_a_slow_refresh_does_not_undo_one_of_a_later_history(committed_shop: Shop) -> None:
    """Else a request that has just built the profile it needs would not find it."""
    stock(committed_shop)
    committed_shop.visit("ann", "mug")
    space, ann = committed_shop.space, committed_shop.user("ann")

    def overtake() -> None:
        committed_shop.visit("ann", "tent", at=NOON + DAY)
        builder.refresh(space, [ann.pk])

    overtaken(lambda: builder.refresh(space, [ann.pk]), overtake)

    assert stale_users(space, after=0, limit=10) == []
    assert {row.product_id for row in stored(committed_shop, "ann")} == {
        committed_shop.product("mug").pk,
        committed_shop.product("tent").pk,
    }


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


def test_another_catalog_s_users_are_not_stale_here(shop: Shop) -> None:
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
