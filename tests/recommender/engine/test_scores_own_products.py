import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine.scores import OwnProducts, own_products

DAY = 86_400.0
NOW = 1_000 * DAY


def own(*events: tuple[int, float, float], half_life: float = 10.0) -> OwnProducts:
    """Of (product, weight, days ago), newest first."""
    products, weights, ages = zip(*events, strict=True) if events else ((), (), ())
    return own_products(
        np.array(products, dtype=np.int64),
        np.array(weights, dtype=np.float64),
        NOW - DAY * np.array(ages, dtype=np.float64),
        half_life_days=half_life,
        clock=NOW,
    )


def test_own_products_are_those_liked_more_than_not_the_latest_first():
    owned = own((5, 1, 1), (7, -3, 2), (5, 1, 3), (9, 1, 4), (7, 1, 5))
    assert owned.products.tolist() == [5, 9]
    assert (owned.seen, owned.events, owned.days_since) == (3, 5, 1)


def test_recent_weights_are_halved_by_age_and_the_largest_is_one():
    owned = own((5, 2, 30), (9, 4, 40))
    assert owned.recent.tolist() == pytest.approx([1.0, 1.0])
    assert own((5, 2, 30), (9, 2, 40)).recent.tolist() == pytest.approx([1.0, 0.5])


@given(st.floats(0, 1e6))
def test_a_history_of_long_ago_is_still_a_taste(ago):
    recent = own((5, 2, 0), (9, 2, 10)).recent
    assert own((5, 2, ago), (9, 2, 10 + ago)).recent == pytest.approx(recent, rel=1e-3)


def test_what_happened_at_once_is_of_one_moment_counted_from_the_last():
    owned = own((5, 1, 1), (7, 1, 1), (8, -1, 2), (9, 1, 3), (5, 1, 4), (3, 1, 4))
    assert owned.products.tolist() == [5, 7, 9, 3]
    assert owned.moments.tolist() == [0, 0, 1, 2]


def test_an_empty_history_has_no_products():
    owned = own()
    assert (len(owned.products), owned.seen, owned.events, owned.days_since) == (0, 0, 0, 999)
