from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from recommender.engine import scores
from recommender.engine.answer import Query
from recommender.engine.scores import Popularity
from recommender.engine.stored import find_popularity, find_user
from recommender.history import popularity, reader
from recommender.models import Catalog
from tests.recommender import goods
from tests.shop import DAY, NOON, Shop, event, numbered


def test_what_was_seen_is_left_out_at_once_though_it_says_nothing_of_taste(shop: Shop) -> None:
    shop.stock(film="Film", book="Book", poster="Poster")
    shop.post(
        event("ann", "film", type="view_portion", value=0.0),
        event("ann", "book", type="rating", value=2.5),
        event("ann", "poster", type="impression"),
    )

    user = find_user(shop.catalog, "ann", Query(count=5))

    assert user is not None
    seen = {shop.product("film").pk, shop.product("book").pk}
    assert set(user.excluded.tolist()) == seen
    assert user.history.product_ids.tolist() == []
    # A rating may take back the one before it.
    assert user.history_version == 1


@pytest.mark.parametrize("before", [None, NOON, NOON + DAY])
def test_a_live_answer_reads_the_history_that_a_profile_is_made_of(shop: Shop, before) -> None:
    shop.stock(**numbered(40))
    shop.post(*(event("ann", key, type="purchase") for key in numbered(40)))
    shop.visit("ann", "p3", "p5", at=NOON - DAY)
    shop.post(event("ann", "p7", type="rating", value=1.0, at=NOON - DAY))

    user = find_user(shop.catalog, "ann", Query(count=5, before=before))

    assert user is not None
    wanted = reader.load([user.pk], before)[user.pk]
    for name in ("product_ids", "weights", "times"):
        assert getattr(user.history, name).tolist() == getattr(wanted, name).tolist()


def test_nobody_knows_a_stranger(shop: Shop) -> None:
    assert find_user(shop.catalog, "stranger", Query(count=5)) is None


def find(shop: Shop, **more) -> Popularity:
    shop.catalog.refresh_from_db()
    return find_popularity(shop.catalog, shop.catalog.popularity_refreshed_at, more.get("before"))


def keys(shop: Shop, *ids: str) -> np.ndarray:
    return np.array([shop.product(external_id).pk for external_id in ids])


@pytest.fixture
def popular(stocked: Shop) -> Shop:
    """Mugs and a puzzle, of which the red mug is liked most and the white one is sold out."""
    now = timezone.now() - DAY
    for user, product in [
        ("x", "mug-red"),
        ("y", "mug-red"),
        ("x", "mug-blue"),
        ("x", "mug-white"),
    ]:
        stocked.visit(user, product, at=now)
    stocked.visit("z", "puzzle-red", at=now - 60 * DAY)
    stocked.catalog.products.filter(external_id="mug-white").update(in_stock=False)
    popularity.refresh(stocked.catalog)
    return stocked


def test_the_most_popular_available_products_come_first(popular):
    counts = find(popular)
    assert counts.best("week", 10).tolist() == keys(popular, "mug-red", "mug-blue").tolist()
    assert set(counts.best("all", 10)) == set(keys(popular, "mug-red", "mug-blue", "puzzle-red"))
    assert counts.best("all", 1).tolist() == keys(popular, "mug-red").tolist()


def test_the_categories_of_the_users_taste_have_lists_of_their_own(popular):
    counts = find(popular)
    now = np.array([counts.now()] * 2)
    own = scores.own_products(
        keys(popular, "mug-white", "lamp-red"), np.array([3.0, 1.0]), now, half_life_days=60,
        clock=counts.now(),
    )  # fmt: skip
    (mugs,) = counts.heaviest_categories(own, 3)
    assert counts.best_in(mugs, 10).tolist() == keys(popular, "mug-red", "mug-blue").tolist()
    assert counts.best_in(mugs, 1).tolist() == keys(popular, "mug-red").tolist()
    assert counts.best_in(12345, 10).tolist() == []


def test_a_product_without_history_is_not_popular_and_has_no_first_event(popular):
    counts = find(popular)
    wanted = keys(popular, "mug-red", "lamp-blue")
    assert counts.of(wanted).users["week"].tolist() == [2, 0]
    assert np.isnan(counts.of(wanted).first).tolist() == [False, True]


def test_a_time_in_the_past_has_its_own_popularity(popular):
    counts = find(popular, before=timezone.now() - 30 * DAY)
    assert counts.best("all", 10).tolist() == keys(popular, "puzzle-red").tolist()
    assert counts.now() == pytest.approx((timezone.now() - 30 * DAY).timestamp(), abs=60)


def test_without_any_history_nothing_is_popular(stocked):
    counts = find(stocked)
    assert counts.best("all", 10).tolist() == []
    assert counts.of(keys(stocked, "mug-red")).users["all"].tolist() == [0]
    assert np.isnan(counts.of(keys(stocked, "mug-red")).first).all()


def test_in_a_catalog_of_the_past_now_is_its_last_event(db):
    shop = goods.stock(Shop.open("past", clock=Catalog.Clock.LAST_EVENT))
    shop.visit("x", "mug-red", at=NOON)
    popularity.refresh(shop.catalog)
    assert find(shop).now() == pytest.approx((NOON + timedelta(microseconds=1)).timestamp())
