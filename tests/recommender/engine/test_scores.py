import numpy as np
import pytest

from recommender.engine.config import INTERESTS
from recommender.engine.scores import (
    Links,
    OwnProducts,
    own_products,
    space_names,
    space_scores_of,
    summed_similarities,
)
from recommender.profiles.profile import ProfileRow

DAY = 86_400.0


def own() -> OwnProducts:
    """Product 1 today, product 2 a half-life ago."""
    return own_products(
        np.array([1, 2]),
        np.ones(2),
        -10 * DAY * np.arange(2),
        half_life_days=10,
        clock=0.0,
    )


def links(*triples: tuple[int, int, float]) -> Links:
    sources, targets, scores = zip(*triples, strict=True) if triples else ((), (), ())
    return Links(
        sources=np.array(sources, dtype=np.int64),
        targets=np.array(targets, dtype=np.int64),
        scores=np.array(scores, dtype=np.float64),
    )


FOUND = summed_similarities(links((1, 7, 0.5), (1, 8, 0.25), (2, 8, 0.5)), own())


def test_the_scores_of_all_own_products_are_summed_and_the_recent_count_more():
    asked = np.array([6, 7, 8, 9])
    assert FOUND.scores("all", asked).tolist() == pytest.approx([0, 0.5, 0.75, 0])
    assert FOUND.scores("recent", asked).tolist() == pytest.approx([0, 0.5, 0.25 + 0.5 * 0.5, 0])


def test_the_best_are_those_with_the_highest_sums():
    assert FOUND.best("all", 1).tolist() == [8]
    assert FOUND.best("all", 10).tolist() == [8, 7]


def test_what_counts_against_a_product_proposes_nothing():
    assert summed_similarities(links((1, 7, -0.5)), own()).best("all", 10).tolist() == []


def test_without_links_nothing_is_proposed_and_all_score_0():
    none = summed_similarities(links(), own())
    assert none.best("all", 10).tolist() == []
    assert none.scores("recent", np.array([7])).tolist() == [0]


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
