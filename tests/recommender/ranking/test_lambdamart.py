import lightgbm
import numpy as np
import pytest

from recommender.ranking import lambdamart
from recommender.ranking.features import Sample, matrix, sample
from recommender.ranking.lambdamart import LambdaMartRanker
from tests.recommender.ranking.tables import examples, hits, table_of


@pytest.fixture(scope="module")
def ranker() -> LambdaMartRanker:
    return lambdamart.fit(sample([examples()]))


def test_a_learnt_rank_beats_the_channel_it_reads(ranker):
    asked = examples(requests=50, seed=1)
    channel = asked.table["behaviour:als:long_term"].astype(np.float64)
    assert hits(ranker.score(asked.table), asked) > hits(channel, asked) + 0.1


def test_the_same_examples_give_the_same_bytes(ranker):
    assert lambdamart.fit(sample([examples()])).to_bytes() == ranker.to_bytes()


def test_a_part_moves_when_its_feature_does(ranker):
    made = table_of(
        [2],
        {"behaviour:als:long_term": [0.5, 0.5], "text:titles:last": [0.5, 0.5]},
        {"product:age": [5, 90]},
    )
    new, old = ranker.explain(made, np.array([0, 1]))
    assert new["product"] > old["product"] + 0.1


def test_what_is_known_of_the_user_is_part_of_the_base(ranker):
    made = examples(requests=3, seed=1).table
    assert all(
        "user" not in contributions for contributions in ranker.explain(made, np.arange(120))
    )


def test_features_that_tell_nothing_apart_give_scores_that_are_all_alike():
    alike = Sample(
        names=("product:price",),
        features=np.full((600, 1), 0.1, dtype=np.float32),
        labels=np.tile(np.array([1, 0, 0], dtype=np.int8), 200),
        sizes=np.full(60, 10),
    )
    ranker = lambdamart.fit(alike)
    made = table_of([3], features={"product:price": [0.1, 0.2, np.nan]})
    scores = ranker.score(made)
    assert scores.tolist() == [scores[0]] * 3
    assert [
        sum(contributions.values()) for contributions in ranker.explain(made, np.arange(3))
    ] == scores.tolist()


def test_fifty_short_lists_are_enough_to_learn_from():
    few = lambdamart.fit(sample([examples(requests=50, size=8)]))
    asked = examples(requests=50, seed=1)
    assert hits(few.score(asked.table), asked) > 0.3


def test_scores_are_exactly_those_of_lightgbm_whatever_is_unknown(ranker):
    asked = examples(requests=30, seed=2).table
    inputs = matrix(asked, ranker.names)
    inputs[np.random.default_rng(3).random(inputs.shape) < 0.2] = np.nan
    inputs[0] = np.nan
    inputs[1] = 0.0
    expected = lightgbm.Booster(model_str=ranker.model).predict(inputs)
    scored = ranker.scored_features(inputs)
    assert scored.scores.tolist() == expected.tolist()
    sums = [sum(contributions.values()) for contributions in scored.explain(np.arange(len(inputs)))]
    assert np.allclose(sums, expected)
