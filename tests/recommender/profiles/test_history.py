from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.history import erase
from recommender.history.ingest import NewEvent
from recommender.models.catalog import DEFAULT_EVENT_WEIGHTS
from recommender.profiles import history
from recommender.profiles.history import MAX_EVENTS, event_weight
from tests.shop import DAY, NOON, Shop, event, numbered

WEIGHTS = DEFAULT_EVENT_WEIGHTS


@pytest.mark.parametrize(
    ("kind", "value", "weight"),
    [
        ("view", None, 1),
        ("purchase", None, 5),
        ("purchase", 300.0, 5),
        ("dislike", None, -3),
        ("return", None, -12),
        ("impression", None, 0),
        ("rating", 5, 1),
        ("rating", 2.5, 0),
        ("rating", 1, -0.6),
        ("rating", 0, -1),
        ("rating", 100, 1),
        ("rating", None, 1),
        ("view_portion", 0.25, 0.25),
        ("view_portion", 0, 0),
        ("view_portion", 7, 1),
        ("never heard of", None, 0),
    ],
)
def test_what_an_event_weighs(kind: str, value: float | None, weight: float) -> None:
    assert event_weight(kind, value, WEIGHTS) == pytest.approx(weight)


@given(
    kind=st.sampled_from([*WEIGHTS, "other"]),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_no_value_makes_an_event_weigh_more_than_its_type(kind: str, value: float | None) -> None:
    assert abs(event_weight(kind, value, WEIGHTS)) <= abs(WEIGHTS.get(kind, 0))


@given(st.lists(st.floats(0, 5), min_size=2, max_size=2).map(sorted))
def test_a_better_rating_never_weighs_less(ratings: list[float]) -> None:
    worse, better = (event_weight("rating", rating, WEIGHTS) for rating in ratings)

    assert worse <= better


def test_a_history_is_newest_first_with_its_weights(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.post(
        event("ann", "mug", type="purchase", at=NOON - DAY),
        event("ann", "lamp", type="view", at=NOON),
    )
    ann = shop.user("ann").pk

    found = history.load([ann], WEIGHTS)[ann]

    assert found.product_ids.tolist() == [shop.product("lamp").pk, shop.product("mug").pk]
    assert found.weights.tolist() == [1, 5]
    assert found.times.tolist() == [NOON.timestamp(), (NOON - DAY).timestamp()]


def test_each_user_has_their_own_history_and_one_without_products_has_none(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    shop.visit("bob", "lamp", "mug")
    shop.post(event("eve", None, type="search"))
    users = [shop.user(name).pk for name in ("ann", "bob", "eve")]

    found = history.load(users, WEIGHTS)

    assert {user: len(it.product_ids) for user, it in found.items()} == {users[0]: 1, users[1]: 2}


def test_only_what_is_strictly_before_a_time_is_read(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug", at=NOON)
    ann = shop.user("ann").pk

    assert history.load([ann], WEIGHTS, NOON) == {}
    assert list(history.load([ann], WEIGHTS, NOON + timedelta(microseconds=1))) == [ann]


def test_the_latest_events_are_read_and_no_more_than_a_profile_needs(shop: Shop) -> None:
    shop.stock(old="Old", **numbered(2))
    shop.visit("ann", "old", at=NOON - DAY)
    shop.visit("ann", *["p0", "p1"] * (MAX_EVENTS // 2), at=NOON)
    ann = shop.user("ann").pk

    found = history.load([ann], WEIGHTS)[ann]

    assert len(found.product_ids) == MAX_EVENTS
    assert shop.product("old").pk not in found.product_ids


def test_events_of_one_moment_are_always_read_in_the_same_order(shop: Shop) -> None:
    """An invoice of many lines: a profile must not depend on the order in which they came."""
    shop.stock(**numbered(30))
    lines = [event("ann", key, id=key) for key in numbered(30)]

    def order(lines: list[NewEvent]) -> list[int]:
        for line in lines:
            shop.post(line)
        ann = shop.user("ann")
        found = history.load([ann.pk], WEIGHTS)[ann.pk].product_ids.tolist()
        erase.erase(ann)
        return found

    assert order(lines) == order(lines[::-1])
