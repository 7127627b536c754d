import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.behaviour.interactions import Interactions, preferences

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
