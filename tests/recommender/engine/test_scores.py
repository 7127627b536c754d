import numpy as np
import pytest

from recommender.engine.config import INTERESTS
from recommender.engine.scores import space_names, space_scores_of
from recommender.profiles.profile import ProfileRow

NEAR, FAR = 0.8, 0.1
ZERO = np.zeros(2, dtype=np.float32)


def space_scores(metric="cosine", interests=(), **similarities):
    """Scores by name; interests are (weight, similarities)."""
    rows = [ProfileRow("interest", n, weight, 1, ZERO) for n, (weight, _) in enumerate(interests)]
    rows += [ProfileRow(kind, 0, 1.0, 1, ZERO) for kind in similarities]
    values = [near for _, near in interests] + list(similarities.values())
    matrix = np.array(values, dtype=np.float32).reshape(len(rows), len(values[0]) if values else 0)
    return space_scores_of(metric, rows, matrix)


def test_a_score_is_named_after_its_vector():
    scores = space_scores(short_term=[NEAR], last=[FAR], long_term=[FAR])
    assert list(scores) == ["short_term", "last", "long_term"]
    assert all(score.dtype == np.float32 for score in scores.values())


@pytest.mark.parametrize(
    ("kind", "metric", "names"),
    [
        ("text", "cosine", ("interests", "short_term", "last")),
        ("behaviour", "cosine", ("interests", "short_term", "last", "long_term")),
        ("behaviour", "inner_product", ("short_term", "last", "long_term")),
    ],
)
def test_the_names_of_a_space_are_those_it_may_score_by(kind, metric, names):
    assert space_names(kind, metric) == names


def test_a_profile_without_vectors_scores_nothing():
    assert space_scores() == {}


def test_near_an_interest_counts_far_more_than_not_so_far_from_all():
    near = [[NEAR, 0.4, -0.9], [0.0, 0.4, -0.9], [0.0, 0.4, -0.9]]
    scores = space_scores(interests=list(zip((0.4, 0.3, 0.3), near, strict=True)))["interests"]
    assert scores[0] == pytest.approx(0.4 * NEAR**4)
    assert scores[0] > 5 * scores[1] > 0
    assert scores[2] == 0


def test_only_the_heaviest_interests_speak():
    interests = [(0.3, [0.0])] * INTERESTS + [(0.1, [1.0])]
    assert space_scores(interests=interests)["interests"].tolist() == [0]


def test_what_was_turned_down_pushes_away_what_is_like_it():
    scores = space_scores(short_term=[NEAR, NEAR], last=[NEAR, NEAR], negative=[1.0, -1.0])
    for score in scores.values():
        assert score.tolist() == pytest.approx([NEAR - 0.5, NEAR])


@pytest.mark.parametrize(("metric", "pushed"), [("cosine", True), ("inner_product", False)])
def test_a_factor_of_least_squares_is_not_pushed(metric, pushed):
    scores = space_scores(metric, long_term=[NEAR], negative=[1.0])["long_term"]
    assert bool(scores[0] < NEAR - 0.1) is pushed


def test_inner_products_make_no_interests():
    assert space_scores("inner_product", [(1.0, [1.0])]) == {}
