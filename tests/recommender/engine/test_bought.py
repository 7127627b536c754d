"""What is bought with products, and what completes them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django.plugin import DjangoDbBlocker

from recommender.catalog import catalogs
from recommender.engine import bought
from recommender.engine.answer import SEEN, Answer, Query, UnknownProductError
from recommender.engine.bought import BOUGHT_TOGETHER, COMPLEMENTS
from recommender.history import popularity
from recommender.models import ProductNeighbor
from recommender.retrieval import filters
from recommender.training import baskets, run, storage
from tests.recommender import goods
from tests.shop import DAY, NOON, Shop, event

# With a red mug: most often another mug, then a lamp, then a puzzle.
BASKETS = {("mug-red", "mug-green"): 10, ("mug-red", "lamp-red"): 9, ("mug-red", "puzzle-red"): 8}
QUERY = Query(count=12, named=True)


@pytest.fixture(scope="module")
def sold(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    """The goods, with baskets of each a day."""
    with django_db_blocker.unblock():
        shop = goods.stock(Shop.open("sold"))
        number = 0
        for basket, times in BASKETS.items():
            for _ in range(times):
                number += 1
                shop.post(*(
                    event(f"u{number}", product, type="purchase", at=NOON + timedelta(seconds=n))
                    for n, product in enumerate(basket)
                ))  # fmt: skip
        # Two days are two baskets, a view is none.
        shop.post(
            event("u1", "spade-red", type="purchase", at=NOON + DAY), event("u2", "spade-blue")
        )
        now = run.present(shop.catalog)
        found = baskets.read(shop.catalog, now)
        storage.store_neighbours(shop.catalog, now.products, baskets.fit(found))
        popularity.refresh(shop.catalog)
        yield shop
        catalogs.delete_catalog(shop.catalog)


@pytest.fixture
def market(sold: Shop, db: None) -> Shop:
    return sold


def ids(answer: Answer) -> list[str]:
    return [item.id for item in answer.items]


def test_bought_together_comes_by_how_often(market):
    answer = bought.bought(market.catalog, "mug-red", QUERY, BOUGHT_TOGETHER)
    assert ids(answer) == ["mug-green", "lamp-red", "puzzle-red"]
    assert answer.reason == "what was given goes with 3 products"
    assert (answer.complete, answer.fallback) == (False, None)
    for item in answer.items:
        assert item.contributions.keys() == {"base", "bought"}
        assert item.because == ("mug-red",)
        assert item.cause is not None
        assert (item.cause.event, item.cause.title) == ("bought_with", "Red mug")


def test_complements_put_substitutes_last_and_say_what_it_cost(market):
    answer = bought.bought(market.catalog, "mug-red", QUERY, COMPLEMENTS)
    assert ids(answer) == ["lamp-red", "puzzle-red", "mug-green"]
    mug = answer.items[-1]
    assert mug.contributions["substitute"] < 0 < mug.contributions["bought"]
    assert mug.score == pytest.approx(sum(mug.contributions.values()))
    # Of another category nothing is a substitute, however alike its text.
    assert "substitute" not in answer.items[0].contributions


def test_a_cart_lists_what_goes_with_all_of_it_and_nothing_of_it(market):
    cart = ["mug-red", "lamp-red", "no-such-product"]
    answer = bought.for_cart(market.catalog, cart, QUERY)
    assert ids(answer) == ["puzzle-red", "mug-green"]
    assert answer.missing_ids == ("no-such-product",)
    market.visit("u90", "puzzle-red")
    new = replace(QUERY, exclude=frozenset({SEEN}))
    answer = bought.for_cart(market.catalog, cart, new, user="u90")
    assert ids(answer) == ["mug-green"]
    stranger = bought.for_cart(market.catalog, cart, replace(new, anonymous_only=True), user="u90")
    assert ids(stranger) == ["puzzle-red", "mug-green"]
    assert stranger.degraded == {"user": "no_user_token"}
    nobody = bought.for_cart(market.catalog, cart, new, user="nobody")
    assert nobody.missing_ids == ("nobody", "no-such-product")


def test_a_filter_and_stock_are_kept_to(market):
    passing = filters.parse({"category": {"under": "Toys"}}, goods.DECLARED)
    query = Query(count=5, filter=passing)
    answer = bought.bought(market.catalog, "mug-red", query, BOUGHT_TOGETHER)
    assert ids(answer) == ["puzzle-red"]
    assert answer.reason == "what was given goes with 1 product that the filter matches"
    market.put({**goods.goods()[1], "in_stock": False})
    assert "mug-green" not in ids(bought.bought(market.catalog, "mug-red", QUERY, BOUGHT_TOGETHER))


def test_what_was_never_bought_with_others_falls_back_and_says_so(market):
    popular = bought.bought(market.catalog, "spade-red", QUERY, BOUGHT_TOGETHER)
    assert popular.fallback == "popular"
    assert "spade-red" not in ids(popular)
    ProductNeighbor.objects.create(
        catalog=market.catalog, product=market.product("spade-red"), kind="together",
        products=[market.product("mug-blue").pk], scores=[0.5],
    )  # fmt: skip
    chosen = bought.bought(market.catalog, "spade-red", QUERY, BOUGHT_TOGETHER)
    assert (ids(chosen), chosen.fallback) == (["mug-blue"], "together")
    assert chosen.items[0].cause is not None
    assert chosen.items[0].cause.event == "chosen_with"


def test_a_product_nobody_knows_is_an_error(market):
    with pytest.raises(UnknownProductError):
        bought.bought(market.catalog, "pan", QUERY, COMPLEMENTS)


def test_lists_for_users_know_nothing_of_baskets(market):
    # They have ranks that were learnt without.
    now = run.present(market.catalog)
    assert str(ProductNeighbor.Kind.BOUGHT) not in now.neighbours
