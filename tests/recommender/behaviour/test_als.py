import numpy as np

from recommender.behaviour.als import ALS
from tests.recommender.behaviour.matrices import matrix, two_tastes


def test_the_scale_of_preferences_does_not_matter() -> None:
    small, large = (ALS().fit(two_tastes() * np.float32(scale)).products for scale in (0.5, 4.0))
    np.testing.assert_allclose(small, large, atol=1e-3)


def test_a_product_that_more_users_like_has_a_longer_factor() -> None:
    liked = np.zeros((40, 2), dtype=bool)
    liked[:30, 0] = liked[30:, 1] = True
    often, seldom = np.linalg.norm(ALS().fit(matrix(liked)).products, axis=1)
    assert often > seldom
