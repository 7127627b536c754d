import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.profiles.profile import (
    MAX_INTERESTS,
    decayed,
    interests,
    latest_distinct,
    short_term,
)

YEAR = 365 * 86_400.0
DAY = 86_400.0


def units(*rows: list[float]) -> NDArray[np.float32]:
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@st.composite
def tastes(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Products around a few directions, no two alike, and their weights."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, centres = draw(st.integers(1, 40)), draw(st.integers(1, 8))
    directions = random.normal(size=(centres, 16))
    vectors = directions[random.integers(centres, size=count)] + random.normal(size=(count, 16)) / 4
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), random.uniform(0.1, 10, size=count)


@given(taste=tastes())
def test_weights_are_shares_of_the_history_heaviest_first(
    taste: tuple[NDArray[np.float32], NDArray[np.float64]],
) -> None:
    weights = [interest.weight for interest in interests(*taste)]

    assert sum(weights) == pytest.approx(1)
    assert min(weights) > 0
    assert weights == sorted(weights, reverse=True)


@given(taste=tastes(), limit=st.integers(1, 7))
def test_there_are_at_most_so_many_and_each_is_another_product_of_the_history(
    taste: tuple[NDArray[np.float32], NDArray[np.float64]], limit: int
) -> None:
    medoids = [interest.medoid for interest in interests(*taste, limit=limit)]

    assert 1 <= len(medoids) <= limit
    assert len(set(medoids)) == len(medoids)
    assert all(0 <= medoid < len(taste[0]) for medoid in medoids)
    assert len(interests(*taste)) <= MAX_INTERESTS


@given(taste=tastes(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_history_does_not_matter(
    taste: tuple[NDArray[np.float32], NDArray[np.float64]], seed: int
) -> None:
    vectors, weights = taste
    order = np.random.default_rng(seed).permutation(len(vectors))

    shuffled = interests(vectors[order], weights[order])

    expected = {interest.medoid: interest.weight for interest in interests(vectors, weights)}
    assert {int(order[interest.medoid]): interest.weight for interest in shuffled} == pytest.approx(
        expected
    )


@given(taste=tastes(), exponent=st.integers(-20, 20))
def test_only_the_proportions_of_the_weights_matter(
    taste: tuple[NDArray[np.float32], NDArray[np.float64]], exponent: int
) -> None:
    vectors, weights = taste

    assert interests(vectors, weights * 2.0**exponent) == interests(vectors, weights)


def test_two_tastes_are_two_interests_and_not_their_mean() -> None:
    tea, tent = [1, 0.2, 0, 0], [0, 0, 1, 0.2]
    vectors = units(tea, [1, 0, 0, 0], [1, 0.4, 0, 0], tent, [0, 0, 1, 0.4])

    clusters = interests(vectors, np.array([1.0, 1, 1, 1, 1]))

    assert [interest.medoid for interest in clusters] == [0, 3]
    assert [interest.weight for interest in clusters] == pytest.approx([0.6, 0.4])


def test_a_single_product_is_the_one_interest() -> None:
    (only,) = interests(units([3, 4]), np.array([0.2]))

    assert (only.medoid, only.weight) == (0, 1.0)


def test_products_that_are_alike_are_one_interest() -> None:
    (only,) = interests(units(*[[1, 2, 3]] * 7), np.full(7, 0.3))

    assert only.weight == pytest.approx(1)


def test_opposite_products_are_an_interest_each() -> None:
    clusters = interests(units([1, 0], [-1, 0]), np.array([1.0, 2.0]))

    assert [interest.medoid for interest in clusters] == [1, 0]
    assert [interest.weight for interest in clusters] == pytest.approx([2 / 3, 1 / 3])


def test_what_hardly_adds_anything_is_no_interest_of_its_own() -> None:
    clusters = interests(units([1, 0], [0, 1]), np.array([1.0, 0.001]))

    assert [interest.medoid for interest in clusters] == [0]


def test_a_history_without_vectors_has_no_interests() -> None:
    assert interests(np.zeros((0, 0), np.float32), np.zeros(0)) == []


@given(
    weights=st.lists(st.floats(-3, 5), min_size=1, max_size=20),
    shift=st.floats(-10 * YEAR, 10 * YEAR),
    half_life=st.floats(0.5, 1000),
    data=st.data(),
)
def test_time_going_by_changes_no_weight(
    weights: list[float], shift: float, half_life: float, data: st.DataObject
) -> None:
    ages = st.lists(st.floats(0, YEAR), min_size=len(weights), max_size=len(weights))
    times = 1.7e9 - np.array(data.draw(ages))

    then, now = (decayed(np.array(weights), at, half_life) for at in (times, times + shift))

    np.testing.assert_allclose(now, then, atol=1e-5)


def test_an_event_counts_half_after_each_half_life() -> None:
    times = np.array([100.0, 70.0, 40.0]) * DAY

    np.testing.assert_allclose(decayed(np.array([4.0, 4.0, -4.0]), times, 30), [4, 2, -1])


def test_no_events_decay_to_no_weights() -> None:
    assert decayed(np.zeros(0), np.zeros(0), 60).shape == (0,)


@given(taste=tastes())
def test_the_short_term_vector_has_length_one(
    taste: tuple[NDArray[np.float32], NDArray[np.float64]],
) -> None:
    vector = short_term(taste[0])

    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_the_newest_product_weighs_most_in_the_short_term_vector() -> None:
    newest, before = short_term(units([1, 0], [0, 1]))

    assert before / newest == pytest.approx(0.7)


def test_only_the_latest_ten_products_are_short_term() -> None:
    vectors = units(*[[1, 0]] * 10, *[[0, 1]] * 5)

    np.testing.assert_allclose(short_term(vectors), [1, 0], atol=1e-6)


def test_where_the_latest_products_cancel_out_the_newest_decides() -> None:
    vectors = units([1, 0], [-1, 0]) * np.array([[0.7], [1.0]], dtype=np.float32)

    np.testing.assert_allclose(short_term(vectors), vectors[0])


@given(st.lists(st.integers(1, 5), max_size=20))
def test_the_latest_distinct_products_keep_their_order(products: list[int]) -> None:
    latest = latest_distinct(np.array(products, dtype=np.int64))

    assert latest.tolist() == list(dict.fromkeys(products))
