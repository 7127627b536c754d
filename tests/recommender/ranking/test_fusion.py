import numpy as np
import pytest

from recommender.ranking.fusion import FusionRanker
from recommender.ranking.ranker import top
from tests.recommender.ranking.tables import table_of


def ranked(made):
    return top(FusionRanker().score(made), made.sizes, 10)[0].tolist()


def test_what_only_sells_well_is_ranked_by_that():
    made = table_of([3], {"popular:week": [1, 3, 2], "popular:month": [1, 2, 3]})
    assert ranked(made) == [1, 2, 0]


def test_a_text_space_alone_ranks():
    assert ranked(table_of([3], {"text:a:last": [0.1, 0.9, 0.5]})) == [1, 2, 0]


def test_what_several_parts_propose_rises():
    made = table_of([4], {"text:a:last": [0.9, 0.8, 0, 0], "together:all": [0, 0.8, 0.9, 0]})
    assert ranked(made) == [1, 0, 2, 3]


def test_three_channels_of_a_space_are_one_voice():
    made = table_of(
        [3],
        {
            "text:a:interests": [0.9, 0.1, 0],
            "text:a:short_term": [0.9, 0.1, 0],
            "text:a:last": [0.9, 0.1, 0],
            "behaviour:als:long_term": [0, 0.5, 0.9],
            "together:all": [0, 0.9, 0.5],
        },
    )
    assert ranked(made)[0] == 1


def test_own_products_come_back_the_latest_first():
    made = table_of([3], {"repeat:decayed": [0.2, 0, 0.9]})
    assert ranked(made) == [2, 0, 1]


def test_a_score_that_pushes_away_proposes_nothing():
    made = table_of([2], {"text:a:last": [-0.5, -0.1]})
    assert FusionRanker().score(made).tolist() == [0, 0]


def test_a_part_is_worth_its_best_place():
    made = table_of(
        [2], {"text:a:last": [1, 2], "text:a:interests": [3, 0], "popular:week": [0, 1]}
    )
    told = FusionRanker().explain(made, np.array([0, 1]))
    assert told[0] == pytest.approx({"base": 0, "text": 1 / 61})
    assert told[1] == pytest.approx({"base": 0, "text": 1 / 61, "popular": 1 / 61})


def test_without_any_signal_the_rows_stay_as_they_are():
    assert ranked(table_of([3])) == [0, 1, 2]
