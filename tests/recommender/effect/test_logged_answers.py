from datetime import timedelta

import numpy as np
import pytest

from recommender.effect import logged_answers
from recommender.models import Product, User
from tests.shop import NOON, Shop
from tests.statements import fewest

from .shown import DAY, HOUR, did, show

SINCE = NOON - HOUR


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """Three products, and two users who are known."""
    shop.stock(a="Mug", b="Tent", c="Soap")
    shop.post(*(did("view", user, "a", NOON - 9 * DAY) for user in ("ann", "bob")))
    return shop


def key(shop: Shop, name: str) -> int:
    return Product.objects.get(catalog=shop.catalog, external_id=name).pk


def test_what_was_shown_is_read_with_its_place_and_whether_it_was_clicked(stocked: Shop) -> None:
    first = show(stocked, NOON, "b", "a", user="ann")
    second = show(stocked, NOON + HOUR, "a", "gone", "c", user="bob")
    stocked.post(
        did("click", "ann", "a", NOON + HOUR, first),
        did("click", "ann", "a", NOON + 2 * HOUR, first),
        did("view", "bob", "c", NOON + 2 * HOUR, second),
        did("purchase", "bob", "a", NOON + 2 * HOUR, second),
        did("click", "bob", "b", NOON + 2 * HOUR),
    )

    found = logged_answers.read(stocked.catalog, SINCE)

    a, b, c = (key(stocked, name) for name in "abc")
    assert found.answers.tolist() == [0, 0, 1, 1]
    assert found.products.tolist() == [b, a, a, c]
    assert found.places.tolist() == [0, 1, 0, 2]
    assert found.clicks.tolist() == [0, 1, 0, 1]
    assert found.propensities.tolist() == [1, 1, 1, 1]
    users = dict(User.objects.values_list("external_id", "pk"))
    assert found.users.tolist() == [users["ann"]] * 2 + [users["bob"]] * 2


def test_lists_of_others_of_before_and_of_nobody_do_not_count(stocked: Shop) -> None:
    show(stocked, SINCE - HOUR, "a", user="ann")
    show(stocked, NOON, "a")
    show(stocked, NOON, "a", user="carl")
    other = Shop.open("other")
    other.stock(a="Mug")
    show(other, NOON, "a", user="ann")
    show(stocked, NOON, "a", user="bob")
    User.objects.filter(external_id="bob").update(exclusion=User.Exclusion.PERSON)

    assert len(logged_answers.read(stocked.catalog, SINCE).answers) == 0


def test_a_click_after_a_week_or_with_another_list_does_not_count(stocked: Shop) -> None:
    first = show(stocked, NOON, "a", user="ann")
    show(stocked, NOON + HOUR, "a", user="ann")
    late = show(stocked, NOON + 2 * HOUR, "a", user="ann")
    stocked.post(
        did("click", "ann", "a", NOON + HOUR, first),
        did("click", "ann", "a", NOON + timedelta(days=8), late),
    )
    assert logged_answers.read(stocked.catalog, SINCE).clicks.tolist() == [1, 0, 0]


def test_a_log_that_has_nothing_costs_one_statement(shop: Shop) -> None:
    assert fewest(lambda: logged_answers.read(shop.catalog, SINCE)) == 1
    found = logged_answers.read(shop.catalog, SINCE)
    assert found.propensities.shape == (0,)
    assert found.users.dtype == np.int64
