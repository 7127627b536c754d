from unittest.mock import patch

import pytest

from recommender.catalog import placements
from recommender.catalog.placements import TooManyPlacementsError, UnknownVersionError
from tests.shop import Shop

DOCUMENT = {"operation": "popular", "defaults": {}, "fallback": None, "rules": []}


def test_what_serves_is_the_latest_version_or_the_one_that_is_asked_for(shop: Shop) -> None:
    placement, is_new = placements.put(shop.catalog, "home", DOCUMENT)
    assert is_new
    assert placements.served(shop.catalog.pk, "home") is None
    first = placements.publish(placement, "ann")
    placements.put(shop.catalog, "home", {**DOCUMENT, "fallback": "new"})
    assert placements.served(shop.catalog.pk, "home") == first
    second = placements.publish(placement, "bob")
    assert (second.number, second.document["fallback"]) == (2, "new")
    assert placements.served(shop.catalog.pk, "home") == second
    assert placements.served(shop.catalog.pk, "home", 1) == first
    assert placements.served(Shop.open("elsewhere").catalog.pk, "home") is None


def test_a_version_that_there_is_not_is_not_restored(shop: Shop) -> None:
    placement, _ = placements.put(shop.catalog, "home", DOCUMENT)
    with pytest.raises(UnknownVersionError):
        placements.roll_back(placement, 1, "")


def test_a_catalog_has_so_many_placements_and_no_more(shop: Shop) -> None:
    with patch.object(placements, "MOST_PLACEMENTS", 1):
        placements.put(shop.catalog, "home", DOCUMENT)
        placements.put(shop.catalog, "home", {**DOCUMENT, "fallback": "new"})
        with pytest.raises(TooManyPlacementsError):
            placements.put(shop.catalog, "cart", DOCUMENT)


def test_names_are_of_all_or_of_what_is_published(shop: Shop) -> None:
    placements.put(shop.catalog, "home", DOCUMENT)
    for _ in range(2):
        placement, _ = placements.put(shop.catalog, "cart", DOCUMENT)
        placements.publish(placement, "")
    assert placements.names(shop.catalog.pk, published=False) == ["cart", "home"]
    assert placements.names(shop.catalog.pk, published=True) == ["cart"]
