import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from recommender.effect import estimates
from recommender.ranking.metrics import Interval

counts = st.integers(0, 10_000)
amounts = st.lists(st.floats(0, 1000), min_size=1, max_size=50)


@given(counts, counts)
def test_a_share_lies_within_its_interval_and_both_within_0_and_1(part: int, whole: int) -> None:
    found = estimates.share(part, whole)
    if not whole:
        assert found is None
        return
    assert found is not None
    assert 0 <= found.low <= found.mean <= found.high <= 1
    assert found.mean == min(part, whole) / whole


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_of_a_share_holds_what_the_score_test_does_not_refuse(
    part: int, whole: int
) -> None:
    part = min(part, whole)
    found = estimates.share(part, whole)
    assert found is not None
    for bound in {found.low, found.high} - {0.0, 1.0, part / whole}:
        z = abs(part / whole - bound) / np.sqrt(bound * (1 - bound) / whole)
        assert 2 * norm.sf(z) == pytest.approx(0.05, abs=1e-4)


def test_a_share_of_few_draws_is_that_of_the_books() -> None:
    # Newcombe 1998, table I: 81 of 263.
    found = estimates.share(81, 263)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


@given(amounts)
def test_a_mean_is_that_of_the_amounts_with_the_interval_of_their_spread(
    given_amounts: list[float],
) -> None:
    values = np.array(given_amounts)
    found = estimates.mean(values.sum(), (values**2).sum(), len(values), per=1000)
    assert found is not None
    assert found.mean == pytest.approx(1000 * values.mean())
    half = 1.959964 * values.std() / np.sqrt(len(values))
    assert found.high == pytest.approx(1000 * (values.mean() + half), abs=0.1)
    assert found.low >= 0


def test_there_is_no_mean_of_nothing() -> None:
    assert estimates.mean(0, 0, 0) is None


@given(counts, st.integers(1, 10_000), counts, st.integers(1, 10_000))
def test_a_change_is_the_difference_and_turns_around_with_its_sides(
    part: int, whole: int, part_before: int, whole_before: int
) -> None:
    now, before = estimates.share(part, whole), estimates.share(part_before, whole_before)
    change, back = estimates.change(now, before), estimates.change(before, now)
    assert change is not None
    assert back is not None
    assert -1 - 1e-9 <= change.low <= change.mean <= change.high <= 1 + 1e-9
    assert (back.mean, back.low, back.high) == pytest.approx(
        (-change.mean, -change.high, -change.low)
    )


def test_a_change_is_that_of_the_paper() -> None:
    # Newcombe 1998, part II, table II, method 10: 56/70 against 48/80.
    found = estimates.change(estimates.share(56, 70), estimates.share(48, 80))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_there_is_no_change_from_nothing() -> None:
    assert estimates.change(None, Interval(1, 1, 1)) is None
    assert estimates.change(Interval(1, 1, 1), None) is None
