import numpy as np
import pytest

from recommender.ranking import learning
from recommender.ranking.errors import TooFewExamples
from tests.recommender.ranking.pools import examples, hits


@pytest.mark.parametrize("kind", learning.LEARNT_KINDS)
def test_the_same_examples_give_the_same_ranker(kind):
    first, second = (learning.learn(kind, [examples(requests=60)]) for _ in range(2))
    assert first.kind == kind
    assert first.to_bytes() == second.to_bytes()


@pytest.mark.parametrize("kind", learning.LEARNT_KINDS)
def test_moments_are_learnt_from_together(kind):
    moments = [examples(requests=30, seed=seed) for seed in (2, 3)]
    asked = examples(requests=50, seed=1)
    scores = learning.learn(kind, moments).score(asked.pool)
    assert np.isfinite(scores).all()
    assert hits(scores, asked) > 0.4


@pytest.mark.parametrize("kind", learning.LEARNT_KINDS)
def test_a_short_history_teaches_no_rank(kind):
    with pytest.raises(TooFewExamples):
        learning.learn(kind, [examples(requests=49)])
