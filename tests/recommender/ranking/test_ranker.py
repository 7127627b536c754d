"""What holds for every ranker."""

import numpy as np
import pytest

from recommender.ranking import blend
from recommender.ranking.features import TooFewExamples
from recommender.ranking.ranker import FusionRanker, Ranker, group_by_signal, signal_of, top
from tests.recommender.ranking.tables import LEARNT_KINDS, examples, hits, learnt, table_of

LEARNT_FROM = examples()
ASKED = examples(requests=5, seed=1).table
KINDS = ("fusion", *LEARNT_KINDS)


@pytest.fixture(scope="module", params=KINDS)
def ranker(request: pytest.FixtureRequest) -> Ranker:
    if request.param == "fusion":
        return FusionRanker()
    return learnt(request.param, [LEARNT_FROM])


def test_the_contributions_add_up_to_the_score(ranker):
    rows = np.arange(0, len(ASKED.products), 7)
    told = ranker.explain(ASKED, rows)
    assert [sum(contributions.values()) for contributions in told] == pytest.approx(
        ranker.score(ASKED)[rows], abs=1e-9
    )
    assert all("base" in contributions for contributions in told)
    assert set().union(*told) <= {"base", "behaviour", "text", "product"}


def test_no_rows_are_explained_by_nothing(ranker):
    assert ranker.explain(ASKED, np.zeros(0, dtype=np.int64)) == []


def test_a_stored_ranker_ranks_and_explains_as_before(ranker):
    again = blend.from_bytes(ranker.kind, ranker.to_bytes())
    assert np.array_equal(again.score(ASKED), ranker.score(ASKED))
    rows = np.array([3, 50])
    assert again.explain(ASKED, rows) == ranker.explain(ASKED, rows)
    assert again.to_bytes() == ranker.to_bytes()


def test_a_request_is_ranked_the_same_alone_and_among_others(ranker):
    last = slice(len(ASKED.products) - int(ASKED.sizes[-1]), None)
    alone = table_of(
        [ASKED.sizes[-1]],
        {name: ASKED[name][last] for name in ASKED.columns.scores},
        {name: ASKED[name][last] for name in ASKED.columns.features},
    )
    assert ranker.score(alone) == pytest.approx(ranker.score(ASKED)[last], abs=1e-12)


def test_a_space_that_is_gone_leaves_a_ranker_that_still_ranks(ranker):
    name = "behaviour:als:long_term"
    left = table_of(ASKED.sizes, {name: ASKED[name]})
    order = top(ranker.score(left), left.sizes, 40)
    liked = left[name]
    for rows in order:
        assert liked[rows[:5]].mean() > liked[rows[-5:]].mean()


def test_no_candidates_get_no_scores(ranker):
    nothing = table_of([0, 0])
    assert ranker.score(nothing).shape == (0,)
    assert [len(rows) for rows in top(ranker.score(nothing), nothing.sizes, 5)] == [0, 0]


def test_the_best_of_each_request_come_first_and_ties_by_row():
    scores = np.array([1.0, 3.0, 3.0, 0.0, 5.0, 5.0])
    best = top(scores, np.array([4, 0, 2]), 3)
    assert [rows.tolist() for rows in best] == [[1, 2, 0], [], [4, 5]]


@pytest.mark.parametrize("kind", LEARNT_KINDS)
def test_the_same_examples_give_the_same_ranker(kind):
    first, second = (learnt(kind, [examples(requests=60)]) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()


@pytest.mark.parametrize("kind", LEARNT_KINDS)
def test_moments_are_learnt_from_together(kind):
    moments = [examples(requests=30, seed=seed) for seed in (2, 3)]
    asked = examples(requests=50, seed=1)
    scores = learnt(kind, moments).score(asked.table)
    assert np.isfinite(scores).all()
    assert hits(scores, asked) > 0.4


def test_a_short_history_teaches_no_rank():
    with pytest.raises(TooFewExamples):
        learnt("blend", [examples(requests=49)])


def test_a_signal_is_the_first_word():
    assert signal_of("text:titles:last#rank") == "text"
    assert signal_of("popular:week") == "popular"


def test_what_is_known_of_the_user_is_common_to_all():
    assert signal_of("user:events") == "base"


def test_every_feature_is_of_one_signal_and_the_base_is_first():
    names, places = group_by_signal(("text:a:last", "user:days", "text:a:last#rank", "popular:all"))
    assert names == ("base", "text", "popular")
    assert places.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


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
