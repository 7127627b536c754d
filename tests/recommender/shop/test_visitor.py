from types import SimpleNamespace

import pytest
from django.core import signing
from django.http import HttpResponse

from recommender import demo
from recommender.models import Catalog
from recommender.shop import visitor
from recommender.shop.visitor import COOKIE, MOST_LINES, MOST_OF_ONE, Visitor

SAMPLE, OTHER = Catalog(name="demo"), Catalog(name="shop")


def kept(one: Visitor) -> str:
    response = HttpResponse()
    visitor.keep(one, response)
    return response.cookies[COOKIE].value


def read(cookie: str) -> Visitor | None:
    return visitor.read(SimpleNamespace(COOKIES={COOKIE: cookie}))


def test_a_browser_brings_back_who_somebody_is_and_what_they_have():
    one = Visitor.new().with_line(OTHER, 7, 2)
    assert read(kept(one)) == one


@pytest.mark.parametrize("cookie", ["", "nonsense", "a:b:c", "\x00"])
def test_what_is_no_cookie_of_ours_is_somebody_new(cookie):
    assert read(cookie) is None


def test_nobody_can_write_a_cookie_for_somebody_else():
    told = {"id": "a-real-user", "plays": "", "carts": {}}
    assert read(signing.dumps(told, key="another key", salt="kinship.shop")) is None
    assert read(signing.dumps(told, salt="another purpose")) is None


@pytest.mark.parametrize("told", [{}, [], "x", {"id": 1, "plays": "", "carts": []}, {"carts": {}}])
def test_a_cookie_of_another_version_is_somebody_new(told):
    assert read(signing.dumps(told, salt="kinship.shop")) is None


def test_only_simulated_shoppers_are_played_and_in_the_sample_store_alone():
    player = Visitor("visitor-1", "sim-coffee-lover-01")
    assert player.user(SAMPLE) == "sim-coffee-lover-01"
    assert player.user(OTHER) == "visitor-1"
    assert Visitor("visitor-1", "customer-17").user(SAMPLE) == "visitor-1"
    known = {shopper.external_id for shopper in demo.shoppers(demo.SEED)}
    assert visitor.simulated().keys() <= known


def test_each_taste_has_a_shopper_with_a_name():
    names = list(visitor.simulated().values())
    firsts = [name.partition(", also a ")[0] for name in names]
    assert len(set(firsts)) == len(firsts) > 15


def test_a_full_cart_fits_into_a_cookie():
    one = Visitor.new()
    for key in range(MOST_LINES + 5):
        one = one.with_line(OTHER, 9_000_000_000 + 7919 * key, 99)
    assert len(one.cart(OTHER)) == MOST_LINES
    assert len(kept(one)) < 3500


def test_a_cart_has_so_many_of_a_product_and_none_of_what_was_taken_out():
    one = Visitor.new().with_line(OTHER, 1, 500).with_line(OTHER, 2, 1).with_line(OTHER, 2, 0)
    assert one.cart(OTHER) == {1: MOST_OF_ONE}
    assert one.cart(SAMPLE) == {}
    assert one.without_cart(OTHER).cart(OTHER) == {}
