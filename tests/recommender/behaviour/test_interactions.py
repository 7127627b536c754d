import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.behaviour.interactions import Interactions, made_up_times, preferences

DAY = 86_400.0
CLOCK = 1_000 * DAY


def table(*events: tuple[int, int, float, float]) -> np.ndarray:
    """Preferences of 3 users and 3 products from (user, product, weight, age in days)."""
    users, products, weights, ages = zip(*events, strict=True) if events else ((), (), (), ())
    interactions = Interactions(
        users=np.array(users, dtype=np.int32),
        products=np.array(products, dtype=np.int32),
        weights=np.array(weights, dtype=np.float32),
        times=CLOCK - np.array(ages, dtype=np.float64) * DAY,
        n_users=3,
        n_products=3,
    )
    return preferences(interactions, half_life_days=60.0, clock=CLOCK).toarray()


def test_a_purchase_counts_more_than_a_view() -> None:
    strengths = table((0, 0, 1.0, 0), (0, 1, 0.1, 0))
    assert strengths[0, 0] > strengths[0, 1] > 0


def test_each_further_event_counts_for_less() -> None:
    strengths = table((0, 0, 1.0, 0), *[(0, 1, 1.0, 0)] * 2, *[(0, 2, 1.0, 0)] * 3)[0]
    assert strengths[1] - strengths[0] > strengths[2] - strengths[1] > 0


def test_an_event_counts_half_after_the_half_life() -> None:
    assert table((0, 0, 1.0, 60))[0, 0] == pytest.approx(np.log1p(0.5))


def test_an_event_of_years_ago_still_counts_a_quarter() -> None:
    assert table((0, 0, 1.0, 3_000))[0, 0] == pytest.approx(np.log1p(0.25))


def test_an_event_after_the_clock_counts_in_full() -> None:
    assert table((0, 0, 1.0, -90))[0, 0] == pytest.approx(np.log1p(1.0))


def test_what_was_taken_back_is_no_preference() -> None:
    assert table((0, 0, 1.0, 0), (0, 0, -1.0, 0), (0, 1, -1.0, 0)).max() == 0


def test_no_events_give_an_empty_matrix() -> None:
    assert table().shape == (3, 3)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 2), st.floats(-2, 2, width=16), st.floats(0, 500)
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_events_does_not_matter(events: list, random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)
    np.testing.assert_allclose(table(*shuffled), table(*events), atol=1e-5)


def history(times: list[tuple[int, float]]) -> Interactions:
    """Events of users at times in seconds."""
    ordered = sorted(times, key=lambda pair: pair[1])
    return Interactions(
        users=np.array([user for user, _ in ordered], dtype=np.int32),
        products=np.arange(len(ordered), dtype=np.int32),
        weights=np.ones(len(ordered), dtype=np.float32),
        times=np.array([time for _, time in ordered], dtype=np.float64),
        n_users=60,
        n_products=len(ordered),
    )


def lengths(user: int) -> range:
    """Places of a user's events, 3 to 14 of them."""
    return range(3 + user * 7 % 12)


RANDOM = np.random.default_rng(7)
MADE_UP = {
    "1 day apart": [(u, CLOCK - n * DAY) for u in range(60) for n in lengths(u)],
    "1 hour apart": [(u, CLOCK - n * 3600) for u in range(60) for n in lengths(u)],
    "90 seconds apart": [(u, 90.0 * n) for u in range(60) for n in lengths(u)],
    "1 second apart": [(u, 1e6 * u + n) for u in range(60) for n in lengths(u) for _ in (0, 1)],
    "end on the same day": [
        (u, CLOCK - (n + 0.4 * RANDOM.random()) * 3 * DAY * (n > 0))
        for u in range(60)
        for n in lengths(u)
    ],
}
REAL = {
    "by chance": [(u, CLOCK * RANDOM.random()) for u in range(60) for n in lengths(u)],
    "daily visits of one in two days": [
        (u, CLOCK - n * DAY) for u in range(60) for n in range(60) if RANDOM.random() < 0.5
    ],
    "within a day": [(u, CLOCK - DAY * RANDOM.random()) for u in range(60) for n in lengths(u)],
    "one visit each": [(u, CLOCK) for u in range(60) for n in lengths(u)],
    "few users": [(u, CLOCK - n * DAY) for u in range(10) for n in lengths(u)],
    "none": [],
}


@pytest.mark.parametrize(("said", "times"), MADE_UP.items(), ids=MADE_UP.keys())
def test_times_that_are_only_an_order_are_recognised_and_said(
    said: str, times: list[tuple[int, float]]
) -> None:
    assert said in made_up_times(history(times))


@pytest.mark.parametrize("times", REAL.values(), ids=REAL.keys())
def test_times_that_users_made_are_taken_for_what_they_say(times: list[tuple[int, float]]) -> None:
    assert made_up_times(history(times)) == ""
