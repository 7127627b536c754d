import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recommender.effect import sequential

positive = st.floats(1e-6, 1e3)


@given(st.floats(-100, 100), positive, positive)
def test_the_sequence_holds_just_the_differences_that_the_test_does_not_refuse(
    difference: float, noise: float, mixing: float
) -> None:
    half = sequential.half_width(noise, mixing)
    assume(abs(abs(difference) - half) > 1e-9 * half)
    is_refused = sequential.p_value(difference, noise, mixing) < sequential.ALPHA
    assert is_refused == (abs(difference) > half)


@given(positive, positive)
def test_the_interval_is_wider_than_that_of_one_look(noise: float, mixing: float) -> None:
    assert sequential.half_width(noise, mixing) > 1.959964 * np.sqrt(noise)


def test_a_plain_difference_is_found_and_told_as_a_lift() -> None:
    rng = np.random.default_rng(1)
    control, variant = rng.poisson(2.0, 20_000), rng.poisson(2.2, 20_000)
    found = sequential.compare(control.astype(float), variant.astype(float))
    assert found is not None
    assert found.is_better
    assert not found.is_worse
    assert found.lift is not None
    assert found.lift.low < 0.1 < found.lift.high
    assert found.p_value < 0.001
    back = sequential.compare(variant.astype(float), control.astype(float))
    assert back is not None
    assert back.is_worse


def test_too_few_units_or_equal_ones_tell_nothing() -> None:
    many = np.arange(200.0)
    assert sequential.compare(many[:50], many) is None
    assert sequential.compare(np.ones(200), np.ones(200)) is None


@pytest.mark.parametrize(
    ("counts", "is_off"), [((5000, 5100), False), ((5000, 5600), True), ((0, 0), False)]
)
def test_units_that_came_in_other_shares_are_noticed(counts: tuple[int, int], is_off: bool) -> None:
    assert (sequential.sample_ratio(counts, (0.5, 0.5)) < 0.001) == is_off


def test_looking_at_the_shares_at_every_unit_gives_few_false_alarms() -> None:
    alarms = 0
    for seed in range(200):
        came = np.cumsum(np.random.default_rng(seed).random(2000) < 0.5)
        alarms += any(
            sequential.sample_ratio((int(came[n]), n + 1 - int(came[n])), (0.5, 0.5)) < 0.05
            for n in range(0, 2000, 20)
        )
    assert alarms <= 10


@given(st.integers(0, 10_000))
def test_cuped_keeps_the_mean_and_takes_away_what_the_past_foretells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.gamma(2.0, size=500)
    values = 3 * before + rng.normal(size=500)
    adjusted = sequential.cuped(values, before)
    assert adjusted.mean() == pytest.approx(values.mean())
    assert adjusted.var() < 0.3 * values.var()
    assert sequential.cuped(values, np.ones(500)) is values


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_winsorising_cuts_the_largest_and_changes_no_other(given_values: list[float]) -> None:
    values = np.array(given_values)
    capped = sequential.winsorised(values)
    assert (capped <= values).all()
    assert (capped[values <= capped.max()] == values[values <= capped.max()]).all()
    assert capped.sum() == 0 or capped.max() > 0
