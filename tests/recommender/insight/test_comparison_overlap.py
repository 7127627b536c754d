import pytest

from recommender.insight.comparison import overlap
from recommender.spaces.lifecycle import create_space, finish
from tests.recommender import goods
from tests.shop import Shop, numbered


def test_a_space_agrees_with_itself_built_again(stocked: Shop) -> None:
    again = create_space(stocked.catalog, model="fake")
    stocked.embed(again)
    finish(again.pk)

    agreement = overlap(stocked.space, again)

    assert agreement is not None
    assert (agreement.mean, agreement.products) == (pytest.approx(1.0), 24)


def test_spaces_of_nothing_in_common_overlap_by_chance_only(shop: Shop) -> None:
    """A hundred products in two groupings of five that cut across each other."""
    words, brands = ("mug", "lamp", "tent", "soap", "chair"), ("oak", "elm", "ash", "fir", "yew")
    shop.put(
        *(
            {"id": f"p{n}", "title": words[n % 5] * 3, "brand": brands[n // 5 % 5] * 3}
            for n in range(100)
        )
    )
    spaces = []
    for template in ("{title}", "{brand}"):
        space = create_space(shop.catalog, model="fake", dimension=512, template=template)
        shop.embed(space)
        finish(space.pk)
        space.refresh_from_db()
        spaces.append(space)

    agreement = overlap(*spaces)

    assert agreement is not None
    # Four of a group of twenty are in a group of the other kind.
    assert agreement.mean == pytest.approx(4 / 20, abs=0.08)


def test_a_product_that_only_one_space_has_is_left_out(stocked: Shop) -> None:
    second = goods.by_colour(stocked)
    stocked.stock(late="Desk lamp")
    stocked.embed()

    agreement = overlap(stocked.space, second)

    assert agreement is not None
    assert agreement.products == 24


def test_spaces_without_a_shared_product_have_no_overlap(shop: Shop) -> None:
    shop.stock(**numbered(3))
    shop.embed()

    assert overlap(shop.space, create_space(shop.catalog, model="fake")) is None
