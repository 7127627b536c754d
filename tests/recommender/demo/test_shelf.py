"""What a simulated shopper finds on the shelf."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from recommender.demo import Product
from recommender.demo.products import restock_days
from recommender.demo.shelf import LONGEST_VISIT, Action, Visitor, fill
from recommender.demo.tastes import TASTES, Interest, Taste
from tests.recommender.demo.conftest import END

BOOKS = Interest("Books", 1)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def _taste(price_level: float) -> Taste:
    return Taste("reader", 1, price_level, (BOOKS,))


def test_a_few_products_draw_most_of_the_attention(products: list[Product]) -> None:
    popularity = sorted(fill(products, Random(1)).popularity.values(), reverse=True)
    head = len(popularity) // 5
    assert sum(popularity[:head]) > 0.45 * sum(popularity)


def test_a_shopper_with_money_finds_dearer_products_appealing(products: list[Product]) -> None:
    shelf = fill(products, Random(1))

    def mean_rank(price_level: float) -> float:
        appeal = shelf.appeal(_taste(price_level), BOOKS)
        total = sum(shelf.price_rank[key] * weight for key, weight in appeal.items())
        return total / sum(appeal.values())

    assert mean_rank(0.9) > mean_rank(0.1) + 0.2


def test_nothing_outside_an_interest_appeals(products: list[Product]) -> None:
    appeal = fill(products, Random(1)).appeal(_taste(0.5), BOOKS)
    assert appeal.keys() == {
        product["id"] for product in products if product["category"].startswith("Books/")
    }


def test_what_is_not_out_yet_is_not_picked(products: list[Product]) -> None:
    shelf = fill(products, Random(1))
    newest = max(shelf.released, key=lambda key: shelf.released[key])
    released = shelf.released[newest]
    before = released.replace(hour=released.hour - 1)
    assert shelf.pick({newest: 1.0}, at=before, without=(), rng=Random(1)) is None
    picked = shelf.pick({newest: 1.0}, at=released, without=(), rng=Random(1))
    assert picked is not None
    assert picked["id"] == newest


def test_what_a_shopper_has_is_left_out_and_the_rest_drawn_by_appeal(
    products: list[Product],
) -> None:
    shelf, rng = fill(products, Random(1)), Random(2)
    appeal = {"boo-001": 5.0, "boo-002": 3.0, "boo-003": 1.0}
    picked = Counter(
        product["id"]
        for _ in range(400)
        if (product := shelf.pick(appeal, at=LATER, without={"boo-001"}, rng=rng))
    )
    assert picked.keys() == {"boo-002", "boo-003"}
    assert 250 < picked["boo-002"] < 350


CAT_OWNER = next(taste for taste in TASTES if taste.name == "cat owner")


def _shop(products: Sequence[Product], taste: Taste, visits: int) -> list[Action]:
    """What a busy shopper does, who comes once a day."""
    visitor = Visitor((taste,), fill(products, Random(3)), END, Random(4))
    starts = (END - timedelta(days=visits - day) for day in range(visits))
    return [action for start in starts for action in visitor.visit(start)]


@pytest.fixture(scope="module")
def actions(products: list[Product]) -> list[Action]:
    return _shop(products, CAT_OWNER, 100)


def test_a_purchase_was_put_in_the_cart_before_in_the_same_quantity(actions: list[Action]) -> None:
    in_cart = [(a.product, a.quantity, a.at) for a in actions if a.type == "add_to_cart"]
    purchases = [action for action in actions if action.type == "purchase"]
    assert purchases
    for bought in purchases:
        assert any(
            product == bought.product
            and quantity == bought.quantity
            and bought.at - LONGEST_VISIT < at < bought.at
            for product, quantity, at in in_cart
        )


def test_only_what_goes_in_a_cart_has_a_quantity(actions: list[Action]) -> None:
    for action in actions:
        assert (action.quantity is not None) == (action.type in {"add_to_cart", "purchase"})


def test_what_runs_out_is_bought_again_after_its_days(
    actions: list[Action], by_id: dict[str, Product]
) -> None:
    gaps = []
    for key in {action.product for action in actions}:
        days = restock_days(by_id[key])
        times = sorted(a.at for a in actions if a.type == "purchase" and a.product == key)
        if days is None:
            assert len(times) <= 1
        else:
            gaps += [(later - earlier).days / days for earlier, later in pairwise(times)]
    assert len(gaps) >= 5
    assert all(0.6 < gap < 1.5 for gap in gaps)


def test_no_visit_is_longer_than_promised(products: list[Product]) -> None:
    shelf, rng = fill(products, Random(3)), Random(5)
    start = END - LONGEST_VISIT
    for _ in range(300):
        # So late that nothing bought in the visit can run out before the end.
        actions = list(Visitor((CAT_OWNER,), shelf, END, rng).visit(start))
        assert start <= actions[0].at <= actions[-1].at <= END


def test_a_visit_shows_no_product_twice(products: list[Product]) -> None:
    visitor = Visitor((CAT_OWNER,), fill(products, Random(3)), END, Random(6))
    for _ in range(50):
        views = [a.product for a in visitor.visit(END - LONGEST_VISIT) if a.type == "view"]
        assert max(Counter(views).values(), default=1) == 1


def test_a_store_that_has_nothing_out_yet_is_left_without_a_trace(
    products: list[Product],
) -> None:
    visitor = Visitor((CAT_OWNER,), fill(products, Random(3)), END, Random(4))
    assert list(visitor.visit(END - timedelta(days=3650))) == []
