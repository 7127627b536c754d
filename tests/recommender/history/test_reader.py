from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from recommender import database
from recommender.behaviour.interactions import MAX_EVENTS
from recommender.catalog import catalogs
from recommender.engine import backfill, batch
from recommender.history import reader
from recommender.history.ingest import NewEvent
from recommender.models.catalog import DEFAULT_EVENT_WEIGHTS
from tests.shop import DAY, NOON, Shop, event, numbered

WEIGHTS = DEFAULT_EVENT_WEIGHTS
BY_VALUE = [
    ("view", None, 1),
    ("purchase", None, 5),
    ("purchase", 300.0, 5),
    ("dislike", None, -3),
    ("return", None, -12),
    ("impression", None, 0),
    ("rating", 5.0, 1),
    ("rating", 2.5, 0),
    ("rating", 1.0, -0.6),
    ("rating", 0.0, -1),
    ("rating", 100.0, 1),
    ("rating", 1.7e308, 1),
    ("rating", -1.7e308, -1),
    ("rating", None, 1),
    ("view_portion", 0.25, 0.25),
    ("view_portion", 0.0, 0),
    ("view_portion", 1e-60, 0),
    ("view_portion", 7.0, 1),
    ("never heard of", None, 0),
]


def weigh(*events: tuple[str, float | None]) -> list[float]:
    """The weights of events given by type and value, by the SQL that all readers share."""
    query = sql.SQL(
        "SELECT {} FROM unnest(%s::text[], %s::float8[]) AS e(type, value), "
        "(SELECT %s::jsonb AS event_weights, 0::float8 AS rating_min, 5::float8 AS rating_max) c"
    ).format(reader.WEIGHT)
    types, values = zip(*events, strict=True)
    rows = database.fetch(query, (list(types), list(values), Jsonb(WEIGHTS)))
    return [weight for (weight,) in rows]


def test_what_an_event_weighs(db: None) -> None:
    weights = weigh(*((kind, value) for kind, value, _ in BY_VALUE))
    assert weights == pytest.approx([weight for *_, weight in BY_VALUE])


@given(
    kind=st.sampled_from([*WEIGHTS, "other"]),
    values=st.lists(
        st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50
    ),
)
def test_no_value_makes_an_event_weigh_more_than_its_type(
    db: None, kind: str, values: list[float | None]
) -> None:
    weights = weigh(*((kind, value) for value in values))
    assert max(map(abs, weights)) <= abs(WEIGHTS.get(kind, 0))


@given(st.lists(st.floats(0, 5), min_size=2, max_size=50).map(sorted))
def test_a_better_rating_never_weighs_less(db: None, ratings: list[float]) -> None:
    weights = weigh(*(("rating", rating) for rating in ratings))
    assert weights == sorted(weights)


def test_what_says_nothing_of_taste_is_in_no_history(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    shop.post(
        *(
            event("ann", "lamp", type=kind, value=value, at=NOON + DAY)
            for kind, value, weight in BY_VALUE
            if not weight and kind in WEIGHTS
        )
    )
    ann = shop.user("ann").pk
    assert reader.load([ann])[ann].product_ids.tolist() == [shop.product("mug").pk]


def test_six_hundred_impressions_push_nothing_out_of_a_history(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    later = (NOON + n * timedelta(seconds=1) for n in range(1, 601))
    shop.post(*(event("ann", "lamp", type="impression", at=at) for at in later))
    ann = shop.user("ann").pk
    assert reader.load([ann])[ann].product_ids.tolist() == [shop.product("mug").pk]


def test_a_history_is_newest_first_with_its_weights(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.post(
        event("ann", "mug", type="purchase", at=NOON - DAY),
        event("ann", "lamp", type="view", at=NOON),
    )
    ann = shop.user("ann").pk

    history = reader.load([ann])[ann]

    assert history.product_ids.tolist() == [shop.product("lamp").pk, shop.product("mug").pk]
    assert history.weights.tolist() == [1, 5]
    assert history.times.tolist() == [NOON.timestamp(), (NOON - DAY).timestamp()]


def test_each_user_has_their_own_history_and_one_without_products_has_none(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug")
    shop.visit("bob", "lamp", "mug")
    shop.post(event("eve", None, type="search"))
    users = [shop.user(name).pk for name in ("ann", "bob", "eve")]

    histories = reader.load(users)

    assert {user: len(history.product_ids) for user, history in histories.items()} == {
        users[0]: 1,
        users[1]: 2,
    }


def test_only_what_is_strictly_before_a_time_is_read(shop: Shop) -> None:
    shop.stock(mug="Mug", lamp="Lamp")
    shop.visit("ann", "mug", at=NOON)
    ann = shop.user("ann").pk

    assert reader.load([ann], NOON) == {}
    assert list(reader.load([ann], NOON + timedelta(microseconds=1))) == [ann]


def test_the_latest_events_are_read_and_no_more_than_a_profile_needs(shop: Shop) -> None:
    shop.stock(old="Old", **numbered(2))
    shop.visit("ann", "old", at=NOON - DAY)
    shop.visit("ann", *["p0", "p1"] * (MAX_EVENTS // 2), at=NOON)
    ann = shop.user("ann").pk

    history = reader.load([ann])[ann]

    assert len(history.product_ids) == MAX_EVENTS
    assert shop.product("old").pk not in history.product_ids


def test_events_of_one_moment_are_always_read_in_the_same_order(shop: Shop) -> None:
    """An invoice of many lines: a profile must not depend on the order in which they came."""
    shop.stock(**numbered(30))
    lines = [event("ann", key, id=key) for key in numbered(30)]

    def order(lines: list[NewEvent]) -> list[int]:
        for line in lines:
            shop.post(line)
        ann = shop.user("ann").pk
        product_ids = reader.load([ann])[ann].product_ids.tolist()
        for table in ("recommender_event", "recommender_eventkey"):
            database.execute(f"DELETE FROM {table}")
        return product_ids

    assert order(lines) == order(lines[::-1])


def test_the_last_rating_of_a_product_counts_and_takes_back_those_before(shop: Shop) -> None:
    """Live, in a batch and in popularity alike, and as it was at a time in the past."""
    shop.stock(mug="Mug", lamp="Lamp", tent="Tent")
    catalogs.change_catalog(shop.catalog, rating_scale=(1, 10))
    for day, product, stars in [
        *((0, "mug", 10.0), (1, "mug", 1.0), (2, "mug", 7.75)),
        *((0, "lamp", 10.0), (1, "lamp", 5.5)),
        *((0, "tent", 9.0), (0, "tent", 10.0)),
    ]:
        shop.post(event("ann", product, type="rating", value=stars, at=NOON + day * DAY))
    shop.visit("ann", "lamp", at=NOON - DAY)
    ann, mug, lamp, tent = shop.user("ann").pk, *map(shop.product, ("mug", "lamp", "tent"))

    for before, rated in [
        (NOON + timedelta(hours=1), {mug.pk: [1], lamp.pk: [1, 1], tent.pk: [1]}),
        (NOON + 1.5 * DAY, {mug.pk: [-1], lamp.pk: [1], tent.pk: [1]}),
        (NOON + 3 * DAY, {mug.pk: [0.5], lamp.pk: [1], tent.pk: [1]}),
    ]:
        live = reader.load([ann], before)[ann]
        read: dict[int, list[float]] = {}
        for product, weight in zip(live.product_ids.tolist(), live.weights, strict=True):
            read.setdefault(product, []).append(weight)
        assert read == rated
        then = batch.catalog_as_of(shop.catalog, before)
        events = then.events_of(0, MAX_EVENTS)
        assert then.products.keys[then.interactions.products[events]].tolist() == (
            live.product_ids.tolist()
        )
        assert then.interactions.weights[events].tolist() == live.weights.tolist()
        totals = backfill.popular(shop.catalog, 9, before=before)
        liked = {product for product, weights in rated.items() if max(weights) > 0}
        assert {shop.product(listed.id).pk for listed in totals} == liked


def test_every_rating_of_a_rated_product_makes_the_profile_stale(shop: Shop) -> None:
    shop.stock(mug="Mug")
    for stars in (5.0, 2.5):
        shop.post(event("ann", "mug", type="rating", value=stars))
    assert shop.user("ann").history_version == 2
