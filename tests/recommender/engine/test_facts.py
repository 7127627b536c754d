import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import facts

DAY = 86_400.0
NOW = 1_000 * DAY


def own(*events: tuple[int, float, float], half_life: float = 10.0) -> facts.OwnProducts:
    """Of (product, weight, days ago), newest first."""
    products, weights, ages = zip(*events, strict=True) if events else ((), (), ())
    return facts.own_products(
        np.array(products, dtype=np.int64),
        np.array(weights, dtype=np.float64),
        NOW - DAY * np.array(ages, dtype=np.float64),
        half_life_days=half_life,
        clock=NOW,
    )


def keys(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_own_products_are_those_liked_more_than_not_the_latest_first():
    found = own((5, 1, 1), (7, -3, 2), (5, 1, 3), (9, 1, 4), (7, 1, 5))
    assert found.products.tolist() == [5, 9]
    assert (found.seen, found.events, found.days_since) == (3, 5, 1)


def test_recent_weights_are_halved_by_age_and_the_largest_is_one():
    found = own((5, 2, 30), (9, 4, 40))
    assert found.recent.tolist() == pytest.approx([1.0, 1.0])
    assert own((5, 2, 30), (9, 2, 40)).recent.tolist() == pytest.approx([1.0, 0.5])


@given(st.floats(0, 1e6))
def test_a_history_of_long_ago_is_still_a_taste(ago):
    recent = own((5, 2, 0), (9, 2, 10)).recent
    assert own((5, 2, ago), (9, 2, 10 + ago)).recent == pytest.approx(recent, rel=1e-3)


def test_an_empty_history_has_no_products():
    found = own()
    assert (len(found.products), found.seen, found.events, found.days_since) == (0, 0, 0, 999)
    assert facts.user_facts(found, 2)["user:days"].tolist() == [999, 999]
    repeats = facts.repeat_facts(found, keys(1))
    assert [each.tolist() for each in repeats.values()] == [[0], [999]]


def test_what_is_had_again_is_counted_and_ages_by_the_clock():
    mine = own((5, 2, 10), (5, 2, 20), (9, 1, 30))
    found = facts.repeat_facts(mine, keys(4, 5, 9))
    assert found["repeat:count"].tolist() == [0, 2, 1]
    assert found["repeat:days"].tolist() == [999, 10, 30]
    spoken = facts.repeat_channels(mine, keys(4, 5, 9))
    assert spoken["repeat:often"].tolist() == [0, 2, 1]
    assert spoken["repeat:decayed"].tolist() == pytest.approx([0, 1 + 0.5, 0.125])
    assert spoken["repeat:lasting"].tolist() == pytest.approx(
        [0, 2 * 0.5 ** (1 / 3) + 2 * 0.5 ** (2 / 3), 0.5]
    )


def test_where_own_products_are_not_listed_none_is_a_repeat():
    assert facts.repeat_facts(None, keys(5)) == {}
    assert facts.repeat_channels(None, keys(5)) == {}


def test_a_trend_is_a_week_above_its_month():
    found = facts.trend_facts(np.float32([7, 0, 10]), np.float32([30, 0, 10]))
    assert found["popular:trend"][:2].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert found["popular:trend"][2] > 0.5


def test_each_window_of_popularity_is_a_channel():
    found = facts.popularity_channels(*np.float32([[7], [8], [9], [0]]))
    assert list(found) == ["popular:week", "popular:month", "popular:quarter", "popular:all"]
    assert [each[0] for each in found.values()] == pytest.approx(np.log([8, 9, 10, 1]))


def test_taste_is_the_share_of_a_label_and_the_distance_to_the_usual_price():
    mine = own((5, 3, 0), (9, 1, 0))
    labels = {"category": keys(1, 2, 0, 3)}
    found = facts.product_facts(
        mine,
        prices=np.float32([1.0, np.nan, 3.0, 2.0]),
        labels=labels,
        own_prices=np.float32([1.0, 3.0]),
        own_labels={"category": keys(1, 0)},
    )
    assert found["product:category"].tolist() == pytest.approx([0.75, 0, 0, 0])
    assert found["product:price"].tolist() == pytest.approx([-1, np.nan, 1, 0], nan_ok=True)


def test_without_a_usual_price_none_is_far_from_it():
    found = facts.product_facts(
        own(), prices=np.float32([1]), labels={}, own_prices=np.float32([]), own_labels={}
    )
    assert np.isnan(found["product:price"]).all()


def test_the_heaviest_labels_come_first_and_none_is_no_label():
    assert facts.heaviest(keys(4, 0, 2, 4), np.array([1.0, 9, 1.5, 1]), 5) == [4, 2]
    assert facts.heaviest(keys(4, 2), np.array([1.0, 2]), 1) == [2]
    assert facts.heaviest(keys(), np.array([]), 3) == []


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50)))
def test_places_are_those_of_equal_keys(known, wanted):
    rows, found = facts.places(keys(*known), keys(*wanted))
    for key, row, there in zip(wanted, rows.tolist(), found.tolist(), strict=True):
        assert there == (key in known)
        assert not there or known[row] == key
