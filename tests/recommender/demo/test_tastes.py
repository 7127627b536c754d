"""The tastes fit the sample store."""

import pytest

from recommender.demo import Product
from recommender.demo.tastes import TASTES, Interest, Taste


@pytest.mark.parametrize("taste", TASTES, ids=lambda taste: taste.name)
def test_every_interest_finds_products_in_the_store(taste: Taste, products: list[Product]) -> None:
    for interest in taste.interests:
        assert any(interest.covers(product) for product in products), interest


@pytest.mark.parametrize("taste", TASTES, ids=lambda taste: taste.name)
def test_a_taste_is_a_small_part_of_the_store(taste: Taste, products: list[Product]) -> None:
    covered = sum(taste.covers(product) for product in products)
    assert 8 <= covered <= len(products) / 6


def test_an_interest_covers_what_lies_below_its_category_only(by_id: dict[str, Product]) -> None:
    tent = by_id["out-001"]
    assert tent["category"] == "Outdoor/Camping/Tents"
    assert Interest("Outdoor/Camping", 1).covers(tent)
    assert Interest("Outdoor/Camping/Tents", 1).covers(tent)
    assert not Interest("Outdoor/Camp", 1).covers(tent)


def test_the_words_of_an_interest_narrow_it(products: list[Product]) -> None:
    books = Interest("Books/Cookery", 1, ("barista",))
    titles = [product["title"] for product in products if books.covers(product)]
    assert titles == ["Extraction: a home barista's handbook"]
