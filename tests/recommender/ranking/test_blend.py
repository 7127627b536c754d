import numpy as np
import pytest

from recommender.arrays import pack_arrays
from recommender.ranking import blend
from recommender.ranking.blend import BlendRanker
from recommender.ranking.features import sample
from recommender.ranking.ranker import FusionRanker
from tests.recommender.ranking.tables import LEARNT_KINDS, examples, learnt, table_of


@pytest.fixture(scope="module")
def ranker() -> BlendRanker:
    return blend.fit(sample([examples()]))


def standard(scores):
    return (scores - scores.mean()) / scores.std()


def test_both_are_standardised_within_the_request_and_the_logistic_one_counts_double(ranker):
    asked = examples(requests=3, seed=1).table
    trees, line = ranker.lambdamart.score(asked), ranker.logistic.score(asked)
    scores = ranker.score(asked)
    for rows in (slice(0, 40), slice(40, 80), slice(80, 120)):
        assert scores[rows] == pytest.approx(standard(trees[rows]) + 2 * standard(line[rows]))


def test_candidates_that_cannot_be_told_apart_score_nothing(ranker):
    made = table_of([4, 1], {"text:titles:last": [0.0] * 5}, {"product:age": [3.0] * 5})
    assert ranker.score(made).tolist() == [0] * 5
    for told in ranker.explain(made, np.arange(5)):
        assert sum(told.values()) == pytest.approx(0, abs=1e-12)


def test_how_much_the_logistic_one_counts_is_kept(ranker):
    quarter = BlendRanker(ranker.lambdamart, ranker.logistic, 0.25)
    asked = examples(requests=2, seed=1).table
    again = BlendRanker.from_bytes(quarter.to_bytes())
    assert again.score(asked).tolist() == quarter.score(asked).tolist()
    assert again.score(asked).tolist() != ranker.score(asked).tolist()


def test_a_ranker_comes_back_as_its_kind():
    for kind in LEARNT_KINDS:
        ranker = learnt(kind, [examples(requests=50)])
        assert blend.from_bytes(kind, ranker.to_bytes()).kind == kind
    assert isinstance(blend.from_bytes("fusion", b""), FusionRanker)


def test_a_kind_that_is_not_known_says_what_to_do():
    with pytest.raises(ValueError, match=r"no ranker of kind “forest”\. Train the catalog"):
        blend.from_bytes("forest", b"")


def test_what_another_version_learnt_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="Train the catalog again"):
        blend.from_bytes("blend", pack_arrays({"lambdamart": np.zeros(1)}))
    with pytest.raises(ValueError, match="Train the catalog again"):
        blend.from_bytes("logistic", b"PK no archive")
