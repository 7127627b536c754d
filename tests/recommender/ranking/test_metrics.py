import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.ranking import metrics
from recommender.ranking.metrics import ListMetrics, accuracy, interval, intervals, list_metrics

PRODUCTS = [f"p{number}" for number in range(30)]
lists = st.lists(st.sampled_from(PRODUCTS), unique=True)
truths = st.sets(st.sampled_from(PRODUCTS), min_size=1)
places = st.integers(1, 25)


def test_a_list_of_all_that_is_wanted_scores_one() -> None:
    assert list_metrics(["a", "b"], {"b", "a"}, 20) == ListMetrics(1.0, 1.0, 1.0, 1.0)


def test_a_list_of_nothing_wanted_scores_nothing() -> None:
    assert list_metrics(["a", "b"], {"c"}, 20) == ListMetrics(0.0, 0.0, 0.0, 0.0)
    assert list_metrics([], {"c"}, 20) == ListMetrics(0.0, 0.0, 0.0, 0.0)


def test_a_hit_counts_less_the_further_down_it_is() -> None:
    second = list_metrics(["a", "b", "c"], {"b"}, 20)

    assert second.ndcg == pytest.approx(1 / math.log2(3))
    assert (second.recall, second.mrr, second.hit_rate) == (1.0, 0.5, 1.0)
    assert list_metrics(["a", "c", "b"], {"b"}, 20).ndcg == pytest.approx(1 / math.log2(4))


def test_the_ideal_of_ndcg_has_every_wanted_product_on_top() -> None:
    scores = list_metrics(["a", "b", "c"], {"a", "c", "x"}, 20)

    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert scores.ndcg == pytest.approx((1 + 1 / math.log2(4)) / ideal)
    assert scores.recall == pytest.approx(2 / 3)


def test_more_wanted_than_a_list_holds_can_still_be_all_found() -> None:
    assert list_metrics(["a", "b"], {"a", "b", "c", "d"}, 2) == ListMetrics(1.0, 1.0, 1.0, 1.0)


def test_what_stands_below_k_does_not_count() -> None:
    assert list_metrics(["a", "b", "c"], {"c"}, 2) == ListMetrics(0.0, 0.0, 0.0, 0.0)


def test_the_metrics_are_those_of_ranx() -> None:
    # To load both takes two seconds, which only the worker that runs this spends.
    import numba  # noqa: PLC0415

    # Compiling what ranx computes takes twenty seconds, computing it without takes none.
    numba.config.DISABLE_JIT = True
    import ranx  # noqa: PLC0415 - reads the setting while it is imported

    random = np.random.default_rng(7)
    truth, run = {}, {}
    for user in range(60):
        # At most k relevant, as ranx divides recall by all that is relevant.
        relevant = random.choice(PRODUCTS, random.integers(1, 11), replace=False)
        listed = random.choice(PRODUCTS, random.integers(1, 31), replace=False)
        truth[f"u{user}"] = dict.fromkeys(map(str, relevant), 1)
        run[f"u{user}"] = {str(product): 1 / place for place, product in enumerate(listed, start=1)}

    ours = [list_metrics(list(run[user]), truth[user], 10) for user in truth]

    names = ["ndcg@10", "recall@10", "mrr@10", "hit_rate@10"]
    theirs = ranx.evaluate(ranx.Qrels(truth), ranx.Run(run), names)
    for name, ranxs in theirs.items():
        mine = np.mean([getattr(scores, name.removesuffix("@10")) for scores in ours])
        assert mine == pytest.approx(ranxs), name


@given(lists, truths, places)
def test_every_metric_lies_between_none_and_all(
    listed: list[str], relevant: set[str], k: int
) -> None:
    scores = list_metrics(listed, relevant, k)

    for value in (scores.ndcg, scores.recall, scores.mrr, scores.hit_rate):
        assert 0.0 <= value <= 1.0
    assert scores.hit_rate >= scores.mrr
    assert scores.hit_rate >= scores.recall
    assert scores.hit_rate == (scores.ndcg > 0)


@given(lists.filter(bool), truths, places, st.data())
def test_a_wanted_product_in_place_of_another_makes_no_metric_worse(
    listed: list[str], relevant: set[str], k: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(listed) - 1))
    better = [*listed[:place], "new", *listed[place + 1 :]]

    before = list_metrics(listed, {*relevant, "new"}, k)
    after = list_metrics(better, {*relevant, "new"}, k)

    if listed[place] not in relevant:
        assert after.ndcg >= before.ndcg
        assert after.recall >= before.recall
        assert after.mrr >= before.mrr
        assert after.hit_rate >= before.hit_rate


@given(lists, truths, st.integers(1, 24))
def test_a_longer_list_makes_a_hit_and_its_place_no_worse(
    listed: list[str], relevant: set[str], k: int
) -> None:
    shorter, longer = list_metrics(listed, relevant, k), list_metrics(listed, relevant, k + 1)

    assert longer.mrr >= shorter.mrr
    assert longer.hit_rate >= shorter.hit_rate


def test_many_lists_score_as_each_does_alone() -> None:
    hits = np.array([[False, True, True], [False, False, False]])

    scores = accuracy(hits, np.array([2, 9]))

    alone = list_metrics(["x", "a", "b"], {"a", "b"}, 3)
    assert scores.ndcg.tolist() == [alone.ndcg, 0.0]
    assert scores.recall.tolist() == [1.0, 0.0]
    assert scores.mrr.tolist() == [0.5, 0.0]
    assert scores.hit_rate.tolist() == [1.0, 0.0]


def test_equal_values_leave_no_doubt() -> None:
    estimate = interval(np.full(30, 0.4))

    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((0.4, 0.4, 0.4))


def test_the_interval_is_that_of_the_normal_approximation_for_many_values() -> None:
    values = np.random.default_rng(3).normal(0.3, 0.1, 1000)

    estimate = interval(values)

    error = 1.96 * values.std() / math.sqrt(len(values))
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(estimate.mean - error, abs=0.15 * error)
    assert estimate.high == pytest.approx(estimate.mean + error, abs=0.15 * error)
    assert interval(values) == estimate


def test_what_is_no_value_is_left_out() -> None:
    values = np.random.default_rng(4).random(200)
    with_gaps = np.concatenate([values, np.full(50, np.nan)])

    (estimate,) = intervals(with_gaps[:, None])

    assert estimate is not None
    alone = interval(values)
    assert estimate.mean == pytest.approx(alone.mean)
    assert (estimate.low, estimate.high) == pytest.approx((alone.low, alone.high), abs=0.01)


def test_one_value_among_many_gaps_is_sure_of_itself() -> None:
    values = np.full((40, 1), np.nan)
    values[7] = 0.25

    (estimate,) = intervals(values)

    assert estimate is not None
    assert (estimate.mean, estimate.low, estimate.high) == (0.25, 0.25, 0.25)


def test_a_column_without_any_value_has_no_interval() -> None:
    values = np.array([[0.5, np.nan], [0.7, np.nan]])

    first, second = intervals(values)

    assert first is not None
    assert second is None
    assert intervals(np.empty((0, 1))) == [None]
    with pytest.raises(ValueError, match="at least one value"):
        interval(np.array([np.nan]))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40).map(np.array))
def test_an_interval_lies_within_the_values(values: NDArray[np.float64]) -> None:
    estimate = interval(values)

    slack = 1e-9
    assert values.min() - slack <= estimate.low <= estimate.high <= values.max() + slack
    assert estimate.mean == pytest.approx(values.mean())


def test_many_values_are_resampled_in_chunks_that_fit_into_memory() -> None:
    chunks = metrics.resamples(100_000)

    assert next(chunks).nbytes <= 32_000_000


def test_each_resample_draws_as_many_rows_as_there_are() -> None:
    drawn = np.concatenate(list(metrics.resamples(50, 1_000_000)))

    assert drawn.shape == (1000, 50)
    assert set(drawn.sum(axis=1)) == {50.0}
