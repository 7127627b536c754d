"""Products and history as arrays, out of PostgreSQL."""

from datetime import timedelta

import numpy as np
import pytest
from psycopg import sql

from recommender import arrays, database
from recommender.behaviour.interactions import MAX_EVENTS
from recommender.engine import batch
from recommender.history import popularity, reader
from recommender.models import Catalog, Event, Product
from recommender.snapshot import reading
from tests.recommender.history.test_reader import BY_VALUE
from tests.shop import DAY, NOON, Shop, event, numbered

LATER = NOON + 100 * DAY


@pytest.fixture
def two(shop: Shop) -> Shop:
    shop.put(
        {"id": "mug", "title": "Mug", "price": 10.0, "category": "Home", "brand": "Hearth"},
        {"id": "tent", "title": "Tent", "brand": "Hearth"},
        {"id": "soap", "title": "Soap", "price": 0.0, "category": "Bath"},
    )
    return shop


def weights(shop: Shop) -> list[float]:
    """Of all events that are read, the oldest first."""
    return reading.read(shop.catalog, LATER).interactions.weights.tolist()


def test_an_event_weighs_what_a_profile_gives_it(two: Shop) -> None:
    by_user = {}
    for place, (kind, value, weight) in enumerate(BY_VALUE):
        if kind in two.catalog.event_weights:
            user = f"u{place:02}"
            two.post(event(user, "mug", type=kind, value=value))
            by_user[two.user(user).pk] = weight

    snapshot = reading.read(two.catalog, LATER)
    read = dict(
        zip(snapshot.users[snapshot.interactions.users], snapshot.interactions.weights, strict=True)
    )
    histories = {user: history.weights[0] for user, history in reader.load(list(by_user)).items()}
    assert read == pytest.approx(histories)
    assert read == pytest.approx({user: weight for user, weight in by_user.items() if weight})


def test_a_type_without_a_weight_is_left_out(two: Shop) -> None:
    two.catalog.event_weights |= {"view": 0}
    two.catalog.save()
    two.post(event("ann", "mug"), event("ann", "tent", type="impression"))
    Event.objects.update(type="unheard of")

    assert weights(two) == []
    two.post(event("ann", "mug"), event("bob", "mug", type="purchase"))
    assert len(weights(two)) == 1


def test_events_are_in_the_order_of_time_with_rows_of_users_and_products(two: Shop) -> None:
    two.post(
        event("ann", "soap", at=NOON + DAY),
        event("bob", "mug", at=NOON),
        event("ann", "tent", at=NOON - DAY),
        event("ann", None, type="search", at=NOON),
    )

    snapshot = reading.read(two.catalog, LATER)

    products = [snapshot.products.ids[row] for row in snapshot.interactions.products]
    assert products == ["tent", "mug", "soap"]
    users = [int(snapshot.users[row]) for row in snapshot.interactions.users]
    assert users == [two.user(name).pk for name in ("ann", "bob", "ann")]
    seconds = [(NOON + n * DAY).timestamp() for n in (-1, 0, 1)]
    assert snapshot.interactions.times.tolist() == pytest.approx(seconds, abs=1e-5)
    assert (snapshot.interactions.n_users, snapshot.interactions.n_products) == (2, 3)


def test_only_what_was_before_the_time_is_read_to_the_microsecond(two: Shop) -> None:
    two.post(
        event("ann", "mug", at=NOON), event("bob", "tent", at=NOON + timedelta(microseconds=1))
    )

    assert len(reading.read(two.catalog, NOON).interactions) == 0
    just_after = reading.read(two.catalog, NOON + timedelta(microseconds=1))
    assert just_after.users.tolist() == [two.user("ann").pk]
    assert len(reading.read(two.catalog, popularity.clock(two.catalog)).interactions) == 2


def test_products_have_what_facts_are_made_of(two: Shop) -> None:
    Product.objects.filter(external_id="tent").update(released_at=NOON)
    Product.objects.filter(external_id="soap").update(in_stock=False)

    products = reading.read_products(two.catalog)

    assert products.keys.tolist() == sorted(products.keys)
    mug, tent, soap = (products.ids.tolist().index(name) for name in ("mug", "tent", "soap"))
    assert products.keys[mug] == two.product("mug").pk
    assert (products.available[[mug, tent, soap]]).tolist() == [True, True, False]
    # As facts have it live, too: the logarithm, and none of what is for nothing.
    assert products.prices[mug] == pytest.approx(np.log(10.0))
    assert np.isnan(products.prices[[tent, soap]]).all()
    assert products.categories[tent] == 0
    assert 0 != products.categories[mug] != products.categories[soap] != 0
    assert products.brands[mug] == products.brands[tent] != products.brands[soap] == 0
    assert products.released[tent] == NOON.timestamp()
    assert np.isnan(products.released[[mug, soap]]).all()
    assert products.rows(products.keys[[2, 0]]).tolist() == [2, 0]


def test_the_history_of_a_product_that_was_taken_off_the_shelves_still_counts(two: Shop) -> None:
    two.visit("ann", "mug", "tent")
    Product.objects.filter(external_id="mug").update(deleted_at=NOON)

    snapshot = reading.read(two.catalog, LATER)

    assert snapshot.products.available.tolist() == [False, True, True]
    assert len(snapshot.interactions) == 2


def test_another_catalog_is_not_read(two: Shop) -> None:
    other = Shop.open("other")
    other.stock(mug="Mug")
    other.visit("ann", "mug")

    snapshot = reading.read(two.catalog, LATER)

    assert len(snapshot.interactions) == len(snapshot.users) == 0
    assert len(snapshot.products) == 3


def test_a_catalog_without_anything_is_read_as_nothing(shop: Shop) -> None:
    snapshot = reading.read(shop.catalog, LATER)

    assert len(snapshot.products) == len(snapshot.users) == len(snapshot.interactions) == 0


def test_events_of_one_moment_are_read_in_the_same_order_each_time(two: Shop) -> None:
    two.post(*(event(f"u{n}", product) for n in range(50) for product in ("mug", "tent")))

    one, other = (reading.read(two.catalog, LATER).interactions for _ in range(2))

    assert one.users.tolist() == other.users.tolist()
    assert one.products.tolist() == other.products.tolist()
    assert one.users.tolist() != sorted(one.users.tolist()), "it does not say who came first"


def test_pages_of_products_and_chunks_of_events_are_joined(
    two: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.post(*(event(f"u{n}", "mug", at=NOON + n * DAY) for n in range(30)))
    whole = reading.read(two.catalog, LATER)

    monkeypatch.setattr(reading, "_PAGE", 2)
    monkeypatch.setattr(arrays, "_COPY_CHUNK", 100)
    parts = reading.read(two.catalog, LATER)

    assert parts.products.ids.tolist() == whole.products.ids.tolist()
    assert parts.interactions.times.tolist() == whole.interactions.times.tolist()
    assert len(parts.interactions) == 30


def test_a_batch_has_a_user_s_events_in_the_order_of_a_live_answer_ties_too(shop: Shop) -> None:
    """A checkout of more lines than a history holds: the same ones must be left out."""
    shop.stock(**numbered(MAX_EVENTS // 2 + 20))
    for user in ("ann", "bob"):
        for kind in ("view", "purchase"):
            shop.post(*(event(user, key, type=kind) for key in numbered(MAX_EVENTS // 2 + 20)))
    live = reader.load([shop.user(user).pk for user in ("ann", "bob")])

    then = batch.catalog_as_of(shop.catalog, LATER)

    for row, user in enumerate(then.users.tolist()):
        events = then.events_of(row, MAX_EVENTS)
        products = then.products.keys[then.interactions.products[events]]
        assert products.tolist() == live[user].product_ids.tolist()
        assert then.interactions.weights[events].tolist() == live[user].weights.tolist()


def test_a_part_seen_that_is_next_to_nothing_is_nothing(two: Shop) -> None:
    two.post(event("ann", "mug", type="view_portion", value=1e-60))

    assert weights(two) == []
    assert reader.load([two.user("ann").pk]) == {}


def test_events_of_one_moment_are_in_an_order_that_says_nothing(db: None) -> None:
    query = sql.SQL(
        "SELECT {} FROM generate_series(1, 300) AS u(user_id), generate_series(1, 300) AS p(id), "
        "LATERAL (SELECT u.user_id::bigint, p.id::bigint AS product_id) e ORDER BY u.user_id, p.id"
    ).format(reader.TIE_BREAKER)
    order = np.array(database.fetch(query), dtype=np.float64).reshape(300, 300)

    last_fifth = order >= np.quantile(order, 0.8, axis=1, keepdims=True)

    here, next_to_it = last_fifth[:, :-1].ravel(), last_fifth[:, 1:].ravel()
    assert abs(np.corrcoef(here, next_to_it)[0, 1]) < 0.02


def test_products_that_are_gone_have_no_row(two):
    products = reading.read_products(two.catalog)
    keys = np.array([products.keys[1], products.keys[-1] + 1, products.keys[0]])
    assert products.known_rows(keys).tolist() == [1, 0]
    nothing = reading.read_products(Catalog.objects.create(name="nothing"))
    assert nothing.known_rows(keys).tolist() == []
