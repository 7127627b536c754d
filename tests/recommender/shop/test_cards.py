from decimal import Decimal

import pytest

from recommender.models import Catalog
from recommender.shop import cards


@pytest.mark.parametrize(
    ("price", "currency", "written"),
    [
        (10.0, "EUR", "€10.00"),
        (Decimal("1234.5000"), "USD", "$1,234.50"),
        (5, "SEK", "5.00 SEK"),
        (5, "", "5.00"),
        (0, "EUR", "€0.00"),
        (None, "EUR", ""),
    ],
)
def test_a_price_is_written_as_people_do(price, currency, written):
    assert cards.price_of(price, currency) == written


def test_a_product_without_a_title_goes_by_its_id():
    assert cards.title_of("", "mug-1") == "mug-1"


def test_a_title_ends_where_a_card_does():
    assert len(cards.title_of("word " * 1000, "a")) < 130


def test_the_colour_is_asked_for_only_where_everybody_may_read_it():
    catalog = Catalog(name="shop", attributes={"colour": "string"})
    assert "colour" not in cards.fields_of(catalog)
    catalog.public_attributes = ["colour"]
    assert "colour" in cards.fields_of(catalog)
    assert "colour" not in cards.fields_of(Catalog(name="shop", public_attributes=["colour"]))


def test_what_has_a_picture_is_not_drawn():
    fields = {"image_urls": ["https://example.org/a.png", "b"], "category": "", "brand": ""}
    assert cards.picture_of(fields).address == "https://example.org/a.png"
    assert cards.picture_of(fields | {"image_urls": []}).address == ""


def test_a_colour_that_is_no_text_gives_no_tone():
    fields = {"image_urls": [], "category": "Books", "brand": "A", "colour": ["red"]}
    assert cards.picture_of(fields) == cards.picture_of(fields | {"colour": None})
