from collections.abc import Iterator

import pytest

from recommender.catalog import changes
from recommender.models import Space
from recommender.spaces.lifecycle import create_space
from tests.recommender.spaces.training import train
from tests.shop import Shop

News = list[list[int]]


@pytest.fixture
def heard() -> Iterator[News]:
    """What a listener was told: the spaces, call by call."""
    news: News = []

    def listen(space_ids: list[int], **_: object) -> None:
        news.append(space_ids)

    changes.products_changed.connect(listen)
    yield news
    changes.products_changed.disconnect(listen)


def test_a_change_is_announced_for_every_living_space_of_the_catalogue(
    shop: Shop, heard: News
) -> None:
    Shop.open("other")
    retired = create_space(shop.catalog, model="fake", dimension=8)
    building = create_space(shop.catalog, model="fake", dimension=8)
    Space.objects.filter(pk=retired.pk).update(status=Space.Status.RETIRED)

    changes.announce(shop.catalog)

    (spaces,) = heard
    assert sorted(spaces) == sorted([shop.space.pk, building.pk])


def test_a_trained_space_follows_the_text_space_and_is_told_nothing(
    shop: Shop, heard: News
) -> None:
    shop.stock(mug="Blue mug")
    train(shop)

    changes.announce(shop.catalog)

    assert heard == [[shop.space.pk]]
