import numpy as np
import pytest

from recommender.ranking import features
from tests.recommender.ranking.tables import table_of


def test_a_channel_gives_its_standing_and_its_rank_and_a_fact_itself():
    made = table_of([3], {"text:a:last": [3, 1, 2]}, {"popular:week": [5, np.nan, 7]})
    names = features.names(made.columns)
    assert names == ("text:a:last", "text:a:last#rank", "popular:week")
    standing, rank, fact = features.matrix(made, names).T
    assert standing == pytest.approx([1.2247449, -1.2247449, 0])
    assert rank == pytest.approx([1 / 10, 1 / 12, 1 / 11])
    assert fact == pytest.approx([5, np.nan, 7], nan_ok=True)


def test_a_channel_that_says_nothing_gives_nothing():
    made = table_of([3], {"text:a:last": [0, 0, 0]})
    assert not features.matrix(made, features.names(made.columns)).any()


def test_what_a_pool_lacks_is_zero_and_what_was_not_asked_for_is_left_out():
    made = table_of([2], {"text:a:last": [1, 2]}, {"popular:week": [5, 6]})
    found = features.matrix(made, ("image:b:last", "popular:week", "image:b:last#rank"))
    assert found.tolist() == [[0, 5, 0], [0, 6, 0]]


def test_a_request_has_the_same_features_alone_and_among_others():
    random = np.random.default_rng(3)
    scores, ages = random.random(9), random.random(9)
    together = table_of([4, 0, 5], {"text:a:last": scores}, {"product:age": ages})
    alone = table_of([5], {"text:a:last": scores[4:]}, {"product:age": ages[4:]})
    names = features.names(alone.columns)
    assert np.array_equal(features.matrix(together, names)[4:], features.matrix(alone, names))


def test_only_the_rank_of_a_channel_may_be_asked_for():
    made = table_of([2], {"text:a:last": [1, 2], "text:a:short_term": [2, 1]})
    found = features.matrix(made, ("text:a:last#rank", "text:a:short_term"))
    assert found.T.tolist() == [pytest.approx([1 / 11, 1 / 10]), [1, -1]]


def test_no_candidates_have_no_features():
    assert features.matrix(table_of([0], {"text:a:last": []}), ("text:a:last",)).shape == (0, 1)
