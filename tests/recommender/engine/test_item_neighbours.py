import numpy as np
import pytest

from recommender.engine import item_neighbours
from recommender.engine.item_neighbours import Links
from recommender.engine.own_products import OwnProducts, own_products

DAY = 86_400.0


def own() -> OwnProducts:
    """Product 1 today, product 2 a half-life ago."""
    return own_products(
        np.array([1, 2]),
        np.ones(2),
        -10 * DAY * np.arange(2),
        half_life_days=10,
        clock=0.0,
    )


def links(*triples: tuple[int, int, float]) -> Links:
    sources, targets, scores = zip(*triples, strict=True) if triples else ((), (), ())
    return Links(
        sources=np.array(sources, dtype=np.int64),
        targets=np.array(targets, dtype=np.int64),
        scores=np.array(scores, dtype=np.float64),
    )


FOUND = item_neighbours.summed(links((1, 7, 0.5), (1, 8, 0.25), (2, 8, 0.5)), own())


def test_the_scores_of_all_own_products_are_summed_and_the_recent_count_more():
    asked = np.array([6, 7, 8, 9])
    assert FOUND.scores("all", asked).tolist() == pytest.approx([0, 0.5, 0.75, 0])
    assert FOUND.scores("recent", asked).tolist() == pytest.approx([0, 0.5, 0.25 + 0.5 * 0.5, 0])


def test_the_best_are_those_with_the_highest_sums():
    assert FOUND.best("all", 1).tolist() == [8]
    assert FOUND.best("all", 10).tolist() == [8, 7]


def test_what_counts_against_a_product_proposes_nothing():
    assert item_neighbours.summed(links((1, 7, -0.5)), own()).best("all", 10).tolist() == []


def test_without_links_nothing_is_proposed_and_all_score_0():
    none = item_neighbours.summed(links(), own())
    assert none.best("all", 10).tolist() == []
    assert none.scores("recent", np.array([7])).tolist() == [0]
