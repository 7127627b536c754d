from itertools import pairwise

from recommender.engine.ranking import reciprocal_rank


def test_a_place_is_worth_less_than_the_one_before_and_more_than_nothing():
    worth = [reciprocal_rank(rank) for rank in range(1, 2000)]
    assert worth[0] == 1 / 61
    assert all(first > second > 0 for first, second in pairwise(worth))
