"""What a simulated shopper finds on the shelf."""

from collections import Counter
from datetime import UTC, datetime
from random import Random

from recommender.demo import Product
from recommender.demo.shelf import fill
from recommender.demo.tastes import Interest, Taste

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
