"""What holds for every ranker."""

import numpy as np
import pytest

from recommender.ranking import learning, storage
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.pool import CandidatePool
from recommender.ranking.ranker import Ranker, top
from tests.recommender.ranking.pools import examples, pool

LEARNT_FROM = examples()
ASKED = examples(requests=5, seed=1).pool
KINDS = ("fusion", *learning.LEARNT_KINDS)


@pytest.fixture(scope="module", params=KINDS)
def ranker(request: pytest.FixtureRequest) -> Ranker:
    if request.param == "fusion":
        return FusionRanker()
    return learning.learn(request.param, [LEARNT_FROM])


def test_the_parts_add_up_to_the_score(ranker):
    rows = np.arange(0, len(ASKED.products), 7)
    told = ranker.explain(ASKED, rows)
    assert [sum(each.values()) for each in told] == pytest.approx(
        ranker.score(ASKED)[rows], abs=1e-9
    )
    assert all("base" in each for each in told)
    assert set().union(*told) <= {"base", "behaviour", "text", "product"}


def test_no_rows_are_explained_by_nothing(ranker):
    assert ranker.explain(ASKED, np.zeros(0, dtype=np.int64)) == []


def test_a_stored_ranker_ranks_and_explains_as_before(ranker):
    again = storage.from_bytes(ranker.kind, ranker.to_bytes())
    assert np.array_equal(again.score(ASKED), ranker.score(ASKED))
    rows = np.array([3, 50])
    assert again.explain(ASKED, rows) == ranker.explain(ASKED, rows)
    assert again.to_bytes() == ranker.to_bytes()


def test_a_request_is_ranked_the_same_alone_and_among_others(ranker):
    last = slice(len(ASKED.products) - int(ASKED.sizes[-1]), None)
    alone = pool(
        [ASKED.sizes[-1]],
        {name: scores[last] for name, scores in ASKED.channels.items()},
        {name: values[last] for name, values in ASKED.facts.items()},
    )
    assert ranker.score(alone) == pytest.approx(ranker.score(ASKED)[last], abs=1e-12)


def test_a_space_that_is_gone_leaves_a_ranker_that_still_ranks(ranker):
    name = "behaviour:als:long_term"
    left = CandidatePool(
        sizes=ASKED.sizes,
        products=ASKED.products,
        channels={name: ASKED.channels[name]},
        facts={},
    )
    order = top(ranker.score(left), left.sizes, 40)
    liked = left.channels[name]
    for rows in order:
        assert liked[rows[:5]].mean() > liked[rows[-5:]].mean()


def test_no_candidates_get_no_scores(ranker):
    nothing = pool([0, 0])
    assert ranker.score(nothing).shape == (0,)
    assert [len(rows) for rows in top(ranker.score(nothing), nothing.sizes, 5)] == [0, 0]


def test_the_best_of_each_request_come_first_and_ties_by_row():
    scores = np.array([1.0, 3.0, 3.0, 0.0, 5.0, 5.0])
    found = top(scores, np.array([4, 0, 2]), 3)
    assert [rows.tolist() for rows in found] == [[1, 2, 0], [], [4, 5]]
