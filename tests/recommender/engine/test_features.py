import numpy as np
import pytest

from recommender.engine import features
from recommender.engine.candidates import Candidates, ProductColumns, UserContext
from recommender.engine.scores import CandidatePopularity, OwnProducts, of_columns, own_products
from recommender.ranking import table

DAY = 86_400.0
NOW = 1_000 * DAY
KEYS = (4, 5, 9, 12)
NOT_KNOWN = np.full(4, np.nan)


def keys(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def own(*events: tuple[int, float, float]) -> OwnProducts:
    """Of (product, weight, days ago), newest first."""
    products, weights, ages = zip(*events, strict=True) if events else ((), (), ())
    return own_products(
        keys(*products),
        np.array(weights, dtype=np.float64),
        NOW - DAY * np.array(ages, dtype=np.float64),
        half_life_days=10.0,
        clock=NOW,
    )


def columns(products, prices=None, categories=None, released=None) -> ProductColumns:
    size = len(products)
    return ProductColumns(
        ids=[f"p{key}" for key in products],
        products=keys(*products),
        prices=np.float32(prices if prices is not None else np.full(size, np.nan)),
        labels={
            "category": keys(*(categories or [0] * size)),
            "brand": np.zeros(size, dtype=np.int64),
        },
        released=np.full(size, np.nan) if released is None else np.array(released),
    )


def filled(
    *events, week=(0,) * 4, month=(0,) * 4, first=NOT_KNOWN, lists_own=True, mine=None, **known
) -> table.CandidateTable:
    """The features of four candidates of a user with this history."""
    nothing = np.zeros(0, dtype=np.int64)
    user = own(*events)
    users = {"week": np.float32(week), "month": np.float32(month)}
    context = UserContext(
        own=user,
        excluded=nothing,
        lists_own=lists_own,
        profiles={},
        neighbours={},
        popularity=of_columns(
            clock=NOW,
            products=nothing,
            users=dict.fromkeys(("week", "month", "quarter", "all"), np.zeros(0, np.float32)),
            first=np.zeros(0),
            labels=nothing,
            visible=np.zeros(0, dtype=bool),
        ),
        clock=NOW,
    )
    candidates = Candidates(
        context=context,
        products=columns(KEYS, **known),
        own=mine or columns(user.latest.tolist()),
        similarities={},
        causes=dict,
        popularity=CandidatePopularity(users=users, first=np.array(first, dtype=np.float64)),
        table=table.empty(table.columns((), features.names(lists_own=lists_own)), keys(*KEYS)),
    )
    features.fill(candidates, ())
    return candidates.table


def test_what_is_had_again_is_counted_and_ages_by_the_clock():
    candidates = filled((5, 2, 10), (5, 2, 20), (9, 1, 30))
    assert candidates["repeat:count"].tolist() == [0, 2, 1, 0]
    assert candidates["repeat:days"].tolist() == [999, 10, 30, 999]


def test_where_own_products_are_not_listed_none_is_a_repeat():
    names = filled((5, 2, 10), lists_own=False).columns.features
    assert not [name for name in names if name.startswith("repeat")]


def test_the_user_is_the_same_for_all_candidates():
    candidates = filled((5, 2, 10), (5, 2, 20), (9, -1, 30))
    assert set(candidates["user:products"]) == {2}
    assert set(candidates["user:events"]) == {3}
    assert set(candidates["user:days"]) == {10}


def test_a_user_without_history_has_never_been_there():
    assert set(filled()["user:days"]) == {999}


def test_a_trend_is_a_week_above_its_month():
    trend = filled(week=(7, 0, 10, 0), month=(30, 0, 10, 0))["popular:trend"]
    assert trend[:2].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert trend[2] > 0.5


def test_taste_is_the_share_of_a_label_and_the_distance_to_the_usual_price():
    candidates = filled(
        (5, 3, 0),
        (9, 1, 0),
        mine=columns((5, 9), prices=[1.0, 3.0], categories=[1, 0]),
        prices=[1.0, np.nan, 3.0, 2.0],
        categories=[1, 2, 0, 3],
    )
    assert candidates["product:category"].tolist() == pytest.approx([0.75, 0, 0, 0])
    assert candidates["product:price"].tolist() == pytest.approx([-1, np.nan, 1, 0], nan_ok=True)


def test_without_a_usual_price_none_is_far_from_it():
    assert np.isnan(filled(prices=[1, 2, 3, 4])["product:price"]).all()


def test_a_product_is_as_old_as_its_first_event_or_else_its_release():
    first = np.array([NOW - DAY, np.nan, np.nan, NOW])
    to_come = NOW + DAY
    candidates = filled(first=first, released=[NOW - 9 * DAY, NOW - 3 * DAY, to_come, np.nan])
    age = np.log1p([1, 3, np.nan, 0])
    assert candidates["product:age"].tolist() == pytest.approx(age.tolist(), nan_ok=True)
    assert candidates["product:untouched"].tolist() == [0, 1, 1, 0]
