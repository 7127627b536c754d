import pytest

from recommender import demo
from recommender.api import placement_checks
from recommender.api.auth import SERVER, Caller
from recommender.api.placement_requests import PlacementIn
from tests.shop import Shop


@pytest.mark.parametrize("name", demo.PLACEMENTS)
def test_the_placements_of_the_sample_store_are_as_the_api_writes_them(
    shop: Shop, name: str
) -> None:
    ask = PlacementIn.model_validate(demo.PLACEMENTS[name])
    placement_checks.check(Caller(shop.catalog, SERVER), ask)
    assert ask.document() == demo.PLACEMENTS[name]


def test_the_shop_finds_those_that_it_names() -> None:
    assert demo.PLACEMENTS.keys() == {"home", "product", "cart", "search"}
