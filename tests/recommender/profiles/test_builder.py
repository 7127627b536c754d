from datetime import datetime

import numpy as np
import pytest

from recommender.history.ingest import erase_user
from recommender.models import ProfileVector, User
from recommender.profiles import builder
from recommender.profiles.profile import ProfileRow
from recommender.profiles.staleness import stale_users
from recommender.spaces.partitions import load_vectors
from tests.recommender.spaces.training import train
from tests.shop import DAY, NOON, Shop, event
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
