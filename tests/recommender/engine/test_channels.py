import numpy as np
import pytest

from recommender.engine import channels
from recommender.engine.channels import channel_scores

NEAR, FAR = 0.8, 0.1


def row(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float32)


def scores(metric="cosine", weights=(), **similarities):
    return channel_scores("text", "titles", metric, similarities, np.array(weights))


def test_a_channel_is_named_after_its_space_and_its_query():
    found = scores(short_term=row(NEAR), last=row(FAR), long_term=row(FAR))
    assert list(found) == ["text:titles:short_term", "text:titles:last", "text:titles:long_term"]
    assert all(each.dtype == np.float32 for each in found.values())


def test_a_profile_without_vectors_has_no_channel():
    assert scores() == {}


def test_near_an_interest_counts_far_more_than_not_so_far_from_all():
    interests = np.stack([row(NEAR, 0.4, -0.9), row(0.0, 0.4, -0.9), row(0.0, 0.4, -0.9)])
    found = scores(weights=(0.4, 0.3, 0.3), interest=interests)["text:titles:interests"]
    assert found[0] == pytest.approx(0.4 * NEAR**4)
    assert found[0] > 5 * found[1] > 0
    assert found[2] == 0


def test_only_the_heaviest_interests_speak():
    interests = np.zeros((channels.INTERESTS + 1, 1), dtype=np.float32)
    interests[-1] = 1.0
    weights = (0.3,) * channels.INTERESTS + (0.1,)
    assert scores(weights=weights, interest=interests)["text:titles:interests"].tolist() == [0]


def test_what_was_turned_down_pushes_away_what_is_like_it():
    found = scores(short_term=row(NEAR, NEAR), last=row(NEAR, NEAR), negative=row(1.0, -1.0))
    for each in found.values():
        assert each.tolist() == pytest.approx([NEAR - 0.5, NEAR])


@pytest.mark.parametrize(("metric", "pushed"), [("cosine", True), ("inner_product", False)])
def test_a_factor_of_least_squares_is_not_pushed(metric, pushed):
    found = scores(metric, long_term=row(NEAR), negative=row(1.0))["text:titles:long_term"]
    assert bool(found[0] < NEAR - 0.1) is pushed


def test_inner_products_make_no_interests():
    assert scores("inner_product", (1.0,), interest=np.ones((1, 1), dtype=np.float32)) == {}
