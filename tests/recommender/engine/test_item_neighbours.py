import numpy as np
import pytest

from recommender.engine.item_neighbours import NEXT, Links, own_of, summed, sums_of, weights_of
from recommender.engine.scores import OwnProducts, own_products
from recommender.models import ProductNeighbor

DAY = 86_400.0


def own(*days_ago: float) -> OwnProducts:
    """Products 1, 2 … , newest first; after ten days an event counts half."""
    ages = np.array(days_ago, dtype=np.float64)
    return own_products(
        1 + np.arange(len(ages)), np.ones(len(ages)), -DAY * ages, half_life_days=10, clock=0.0
    )


OWN = own(0, 10)


def links(*triples: tuple[int, int, float]) -> Links:
    sources, targets, scores = zip(*triples, strict=True) if triples else ((), (), ())
    return Links(
        sources=np.array(sources, dtype=np.int64),
        targets=np.array(targets, dtype=np.int64),
        scores=np.array(scores, dtype=np.float64),
    )


FOUND = summed("ease", links((1, 7, 0.5), (1, 8, 0.25), (2, 8, 0.5)), OWN)


def test_the_scores_of_all_own_products_are_summed_and_the_recent_count_more() -> None:
    asked = np.array([6, 7, 8, 9])
    assert FOUND.scores("all", asked).tolist() == pytest.approx([0, 0.5, 0.75, 0])
    assert FOUND.scores("recent", asked).tolist() == pytest.approx([0, 0.5, 0.25 + 0.5 * 0.5, 0])


def test_the_best_are_those_with_the_highest_sums() -> None:
    assert FOUND.best("all", 1).tolist() == [8]
    assert FOUND.best("all", 10).tolist() == [8, 7]


def test_what_counts_against_a_product_proposes_nothing() -> None:
    assert summed("ease", links((1, 7, -0.5)), OWN).best("all", 10).tolist() == []


def test_without_links_nothing_is_proposed_and_all_score_0() -> None:
    none = summed("ease", links(), OWN)
    assert none.best("all", 10).tolist() == []
    assert none.scores("recent", np.array([7])).tolist() == [0]


def test_what_comes_next_is_told_by_the_last_moments_alone() -> None:
    owned = own(1, 1, 2, 5, 9)

    assert own_of(NEXT, owned).tolist() == [1, 2, 3, 4]
    assert weights_of("last", owned).tolist() == [1, 1, 0, 0]
    assert weights_of("latest", owned).tolist() == pytest.approx([1, 1, 1 / 2, 1 / 3])
    found = summed(NEXT, links((1, 7, 0.5), (3, 8, 0.6)), owned)
    assert found.scores("last", np.array([7, 8])).tolist() == pytest.approx([0.5, 0])
    assert found.best("latest", 5).tolist() == [7, 8]


def test_of_a_moment_of_hundreds_of_products_fifty_tell_what_comes_next() -> None:
    owned = own(*[1.0] * 300)

    assert len(own_of(NEXT, owned)) == len(weights_of("last", owned)) == 50


def test_nobody_has_no_last_moment() -> None:
    assert own_of(NEXT, own()).tolist() == weights_of("latest", own()).tolist() == []


def test_each_kind_of_taste_has_its_sums() -> None:
    assert {str(kind): sums_of(kind) for kind in ProductNeighbor.OF_TASTE} == {
        "together": ("all", "recent"),
        "ease": ("all", "recent"),
        "next": ("last", "latest"),
    }
