import numpy as np
import pytest

from recommender.engine import facts, together
from recommender.engine.together import Links, Neighbours
from recommender.models import ProductNeighbor

DAY = 86_400.0


def had(*products: int) -> facts.OwnProducts:
    """Each a half-life before the one named before it."""
    return facts.own_products(
        np.array(products, dtype=np.int64),
        np.ones(len(products)),
        -10 * DAY * np.arange(len(products)),
        half_life_days=10,
        clock=0.0,
    )


def own() -> facts.OwnProducts:
    """Product 1 today, product 2 a half-life ago."""
    return had(1, 2)


LINKS = together.summed(
    {
        "together": Links(
            sources=np.array([1, 1, 2]),
            targets=np.array([7, 8, 8]),
            scores=np.array([0.5, 0.25, 0.5]),
        )
    },
    own(),
)


def lists(neighbours: Neighbours, limit: int) -> list[list[int]]:
    return [each.tolist() for each in neighbours.best(limit)]


def test_the_scores_of_all_own_products_are_summed_and_the_recent_count_more():
    found = LINKS.scores(np.array([6, 7, 8, 9]))
    assert found["together:all"].tolist() == pytest.approx([0, 0.5, 0.75, 0])
    assert found["together:recent"].tolist() == pytest.approx([0, 0.5, 0.25 + 0.5 * 0.5, 0])


def test_the_best_are_those_with_the_highest_sums():
    assert lists(LINKS, 1) == [[8]]
    assert lists(LINKS, 10) == [[8, 7]]


def test_what_speaks_against_a_product_proposes_nothing():
    against = Links(sources=np.array([1]), targets=np.array([7]), scores=np.array([-0.5]))
    assert lists(together.summed({"ease": against}, own()), 10) == [[]]


def test_the_stored_lists_of_own_products_are_read(stocked):
    mug, lamp = stocked.product("mug-red"), stocked.product("lamp-red")
    for kind in ProductNeighbor.Kind.values:
        ProductNeighbor.objects.create(
            catalog=stocked.catalog, product=mug, kind=kind, products=[lamp.pk], scores=[0.5]
        )
    found = together.find(stocked.catalog.pk, had(mug.pk, lamp.pk))
    assert found.links.keys() == {"together", "ease"}
    assert lists(found, 5) == [[lamp.pk], [lamp.pk]]
    assert together.find(stocked.catalog.pk, had()).links == {}


def test_a_product_without_neighbours_has_none(stocked):
    mug = stocked.product("mug-red")
    ProductNeighbor.objects.create(
        catalog=stocked.catalog, product=mug, kind="ease", products=[], scores=[]
    )
    assert together.find(stocked.catalog.pk, had(mug.pk)).links == {}
