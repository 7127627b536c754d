import numpy as np
import pytest

from recommender.ranking import features
from recommender.ranking.features import Examples, TooFewExamples, sample
from tests.recommender.ranking.tables import examples, table_of


def without_wanted(made: Examples, requests: int) -> Examples:
    """The same, but nothing was wanted in the first requests."""
    labels = made.labels.copy()
    labels[: made.table.sizes[:requests].sum()] = 0
    return Examples(made.table, labels)


def test_all_that_was_wanted_and_a_hundred_others_of_a_request_are_learnt_from():
    made = examples(requests=60, size=130)
    drawn = sample([made])
    assert drawn.sizes.tolist() == [103] * 60
    assert drawn.labels.sum() == made.labels.sum()
    assert drawn.features.shape == (60 * 103, len(drawn.names))


def test_a_request_in_which_nothing_was_wanted_teaches_nothing():
    assert len(sample([without_wanted(examples(requests=80), 20)]).sizes) == 60


def test_features_are_those_within_the_whole_request():
    made = examples(requests=60, size=130)
    drawn = sample([made])
    whole = features.matrix(made.table, drawn.names)
    wanted = drawn.features[drawn.labels > 0]
    assert np.array_equal(wanted, whole[made.labels > 0], equal_nan=True)


def test_several_moments_are_learnt_from_though_one_lacks_a_space():
    early = examples(requests=30)
    late = examples(requests=30, seed=1)
    features = {name: early.table[name] for name in early.table.columns.features}
    scores = {"behaviour:als:long_term": early.table["behaviour:als:long_term"]}
    bare = table_of([40] * 30, scores, features)
    drawn = sample([Examples(bare, early.labels), late])
    texts = drawn.features[:, drawn.names.index("text:titles:last")]
    assert len(drawn.sizes) == 60
    assert not texts[: 30 * 40].any()
    assert texts[30 * 40 :].any()


def test_too_few_examples_say_what_to_do():
    with pytest.raises(TooFewExamples, match=r"Only 49 lists .* takes 50\. Train again"):
        sample([without_wanted(examples(requests=80), 31)])


def test_no_examples_are_too_few():
    with pytest.raises(TooFewExamples):
        sample([])


def test_labels_that_are_not_one_a_candidate_are_refused():
    with pytest.raises(ValueError, match="2 labels for 3 candidates"):
        Examples(table_of([3]), np.zeros(2, dtype=np.int8))
