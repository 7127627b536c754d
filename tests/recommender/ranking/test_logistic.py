import numpy as np
import pytest

from recommender.ranking import logistic
from recommender.ranking.features import Examples, Sample, sample
from tests.recommender.ranking.tables import examples, hits, table_of


def one_feature(values, labels, name="text:a:last") -> Sample:
    return Sample(
        names=(name,),
        features=np.array(values, dtype=np.float32)[:, None],
        labels=np.array(labels, dtype=np.int8),
        sizes=np.array([len(values)]),
    )


def test_what_is_wanted_more_when_higher_scores_higher():
    ranker = logistic.fit(one_feature([0, 1, 2, 3] * 50, [0, 0, 1, 1] * 50))
    scores = ranker.scored_features(np.array([[0], [1.5], [3]], dtype=np.float32)).scores
    assert scores[0] < scores[1] < scores[2]


def test_the_scores_are_log_odds():
    values = np.repeat([0.0, 1.0], 5000)
    labels = np.concatenate([np.arange(5000) < 500, np.arange(5000) < 2500])
    ranker = logistic.fit(one_feature(values, labels))
    scores = ranker.scored_features(np.array([[0], [1]], dtype=np.float32)).scores
    assert scores == pytest.approx([np.log(1 / 9), 0], abs=0.03)


def test_few_examples_are_believed_less():
    few = logistic.fit(one_feature([0, 1] * 5, [0, 1] * 5))
    many = logistic.fit(one_feature([0, 1] * 500, [0, 1] * 500))
    assert 0 < few.slopes[0] < many.slopes[0]


def test_what_is_unknown_counts_as_usual():
    ranker = logistic.fit(one_feature([0, 2, np.nan] * 50, [0, 1, 0] * 50, "product:age"))
    scored = ranker.scored_features(np.array([[np.nan], [1]], dtype=np.float32))
    assert scored.scores[0] == pytest.approx(scored.scores[1])
    assert scored.explain(np.array([0])) == [{"base": ranker.bias}]


@pytest.mark.parametrize("value", [0.1, 0.0, 1e6, np.nan])
def test_what_is_the_same_everywhere_says_nothing(value):
    ranker = logistic.fit(one_feature([value] * 300, [0, 0, 1] * 100, "product:price"))
    scored = ranker.scored_features(np.array([[value], [7.0]], dtype=np.float32))
    assert scored.scores == pytest.approx([ranker.bias, ranker.bias])
    assert ranker.bias == pytest.approx(np.log(1 / 2), abs=1e-3)


def test_a_learnt_rank_beats_the_channel_it_reads():
    ranker = logistic.fit(sample([examples()]))
    asked = examples(requests=50, seed=1)
    channel = asked.table["behaviour:als:long_term"].astype(np.float64)
    assert hits(ranker.score(asked.table), asked) > hits(channel, asked) + 0.1


def test_what_is_known_of_the_user_is_part_of_the_base():
    made = examples()
    # Users of many events want half of what they are shown.
    events = made.table["user:events"]
    labels = np.where((events > 25) & (np.arange(len(events)) % 2 == 0), 1, made.labels)
    ranker = logistic.fit(sample([Examples(made.table, labels.astype(np.int8))]))
    told = [
        ranker.explain(table_of([1], features={"user:events": [events]}), np.array([0]))[0]
        for events in (1, 49)
    ]
    assert told[1]["base"] > told[0]["base"] + 1
    assert "user" not in told[0]
