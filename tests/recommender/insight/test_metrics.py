import math

import numpy as np
import pytest

from recommender.insight.metrics import Scores, interval, scores


def test_a_list_of_all_that_is_wanted_scores_one() -> None:
    assert scores(["a", "b"], {"b", "a"}, 20) == Scores(1.0, 1.0, 1.0)


def test_a_list_of_nothing_wanted_scores_nothing() -> None:
    assert scores(["a", "b"], {"c"}, 20) == Scores(0.0, 0.0, 0.0)
    assert scores([], {"c"}, 20) == Scores(0.0, 0.0, 0.0)


def test_a_hit_counts_less_the_further_down_it_is() -> None:
    second = scores(["a", "b", "c"], {"b"}, 20)

    assert second.ndcg == pytest.approx(1 / math.log2(3))
    assert (second.recall, second.hit_rate) == (1.0, 1.0)
    assert scores(["a", "c", "b"], {"b"}, 20).ndcg == pytest.approx(1 / math.log2(4))


def test_the_ideal_of_ndcg_has_every_wanted_product_on_top() -> None:
    found = scores(["a", "b", "c"], {"a", "c", "x"}, 20)

    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert found.ndcg == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert found.recall == pytest.approx(2 / 3)


def test_more_wanted_than_a_list_holds_can_still_be_all_found() -> None:
    assert scores(["a", "b"], {"a", "b", "c", "d"}, 2) == Scores(1.0, 1.0, 1.0)


def test_what_stands_below_k_does_not_count() -> None:
    assert scores(["a", "b", "c"], {"c"}, 2) == Scores(0.0, 0.0, 0.0)


def test_equal_values_leave_no_doubt() -> None:
    found = interval(np.full(30, 0.4))

    assert (found.mean, found.low, found.high) == pytest.approx((0.4, 0.4, 0.4))


def test_the_interval_is_that_of_the_normal_approximation_for_many_values() -> None:
    values = np.random.default_rng(3).normal(0.3, 0.1, 1000)

    found = interval(values)

    error = 1.96 * values.std() / math.sqrt(len(values))
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(found.mean - error, abs=0.15 * error)
    assert found.high == pytest.approx(found.mean + error, abs=0.15 * error)
    assert interval(values) == found
