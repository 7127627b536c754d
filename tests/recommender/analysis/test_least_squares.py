import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.analysis import least_squares
from recommender.analysis.least_squares import LeftOut


@settings(deadline=None)
@given(st.integers(3, 12), st.integers(1, 5), st.integers(0, 2**32))
def test_the_closed_form_is_what_leaving_each_out_gives(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((rows, columns)).astype(np.float32)
    answers = rng.standard_normal((rows, 1)).astype(np.float32)
    model = LeftOut(features)
    told = model.answers(slice(None), model.weights(features.T @ answers), answers)
    for row in range(rows):
        others = np.delete(features, row, axis=0)
        gram = others.T @ others + np.eye(columns)
        weights = np.linalg.solve(gram, others.T @ np.delete(answers, row, axis=0))
        assert told[row, 0] == pytest.approx((features[row] @ weights)[0], abs=1e-3)


def test_features_have_vectors_names_and_amounts_in_robust_units() -> None:
    unit = np.eye(4, dtype=np.float32)
    said = [{"weight_g": 100}, {"weight_g": 1000}, {"weight_g": 10}, {"vegan": True}]
    made = least_squares.features(unit, said)
    assert made.shape == (4, 4 + 2 + 1)
    assert made[:, 4].tolist() == pytest.approx([0.7, 0.7, 0.7, 0])
    assert made[0, 6] == 0
    assert made[1, 6] == pytest.approx(-made[2, 6])
    assert made[3, 6] == 0


def test_what_users_did_stands_beside_what_products_say() -> None:
    unit = np.eye(3, dtype=np.float32)
    made = least_squares.features(unit, [{}, {}, {}], np.ones((3, 2), dtype=np.float32))
    assert made[:, 3:].tolist() == [[0.5, 0.5]] * 3


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), -1, "x", None, 10**400])
def test_what_is_no_amount_counts_by_its_name_alone(value: object) -> None:
    made = least_squares.features(np.eye(2, dtype=np.float32), [{"a": value}, {"a": 5}])
    assert np.isfinite(made).all()
