"""Classes of products, learnt from made-up and from the sample store's products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.local import wordllama
from recommender.analysis import (
    class_means,
    classification,
    classification_quality,
    confidence,
)
from recommender.analysis.classification import ClassificationError, Examples
from recommender.demo.products import load_products


def blobs(n: int, classes: int, spread: float, seed: int = 0) -> Examples:
    """Products around the middles of their classes, with a word that half of them have."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % classes
    middles = rng.normal(size=(classes, 16))
    vectors = middles[codes] + spread * rng.normal(size=(n, 16))
    texts = [f"kind{code} thing" if row % 2 else "a thing" for row, code in enumerate(codes)]
    return Examples(vectors.astype(np.float32), texts, codes)


@pytest.fixture(scope="module")
def departments() -> tuple[Examples, list[str], list[str]]:
    """The sample store's products by the first part of their category, labels and titles."""
    products = load_products()
    labels, codes = np.unique(
        [product["category"].split("/")[0] for product in products], return_inverse=True
    )
    texts = [f"{one['title']}. {one['brand']}. {one['description']}" for one in products]
    vectors, _ = wordllama.load().encode(texts)
    return Examples(vectors, texts, codes), labels.tolist(), [one["title"] for one in products]


def test_on_the_sample_store_it_is_better_than_neighbours_and_than_words_alone(departments):
    examples, labels, titles = departments
    _, held_out = classification.fit(examples, len(labels))
    found = classification_quality.quality(held_out, 0.95)
    assert found.products == len(examples)
    assert found.accuracy > 0.85
    assert found.accuracy > classification_quality.neighbours_accuracy(examples) + 0.05
    for texts in (titles, examples.texts):
        assert found.accuracy > classification_quality.words_accuracy(texts, examples.codes) + 0.02
    assert found.calibration_error < 0.1


def test_those_of_whom_it_is_sure_are_as_precise_as_wanted():
    examples = blobs(3000, 12, spread=1.6)
    classifier, held_out = classification.fit(examples, 12, precision=0.95)
    found = classification_quality.quality(held_out, 0.95)
    assert found.precision > 0.93
    assert 0.1 < found.coverage < 1
    others = blobs(3000, 12, spread=1.6)
    fresh = np.random.default_rng(5).normal(size=others.vectors.shape) * 1.6
    middles = np.random.default_rng(0).normal(size=(12, 16))
    vectors = (middles[others.codes] + fresh).astype(np.float32)
    answers = classifier.classify(vectors, others.texts)
    right = answers.codes == others.codes
    assert right[answers.is_sure].mean() > 0.93
    assert abs(answers.chances.mean() - right.mean()) < 0.05
    assert (answers.seconds != answers.codes).all()


def test_a_precision_that_nothing_reaches_leaves_everything_unknown():
    rng = np.random.default_rng(1)
    noise = Examples(
        rng.normal(size=(300, 8)).astype(np.float32), ["word"] * 300, rng.integers(0, 3, 300)
    )
    classifier, _ = classification.fit(noise, 3, precision=0.99)
    answers = classifier.classify(noise.vectors, noise.texts)
    assert answers.is_sure.mean() < 0.05


def test_labels_texts_alone_tell_departments_better_than_chance(departments):
    examples, labels, _ = departments
    texts, _ = wordllama.load().encode(labels)
    classifier = classification.zero_shot(texts, examples.vectors)
    answers = classifier.classify(examples.vectors, examples.texts)
    assert (answers.codes == examples.codes).mean() > 0.35
    assert not answers.is_sure.any()


def test_a_label_without_examples_is_found_by_its_text():
    examples = blobs(300, 5, spread=0.3)
    labels = np.stack([examples.vectors[examples.codes == code].mean(axis=0) for code in range(5)])
    without = examples.at(np.flatnonzero(examples.codes != 4))
    wordless = Examples(without.vectors, [""] * len(without), without.codes)
    classifier, _ = classification.fit(wordless, 5, labels=labels)
    asked = examples.at(np.flatnonzero(examples.codes == 4))
    assert (classifier.classify(asked.vectors, asked.texts).codes == 4).mean() > 0.9


@pytest.mark.parametrize("codes", [[], [2] * 9])
def test_examples_of_fewer_than_two_classes_are_refused(codes):
    examples = Examples(
        np.ones((len(codes), 4), dtype=np.float32), [""] * len(codes), np.array(codes, dtype=int)
    )
    with pytest.raises(ClassificationError, match="two at least"):
        classification.fit(examples, 3)
    with pytest.raises(ClassificationError, match="one label"):
        classification.zero_shot(np.ones((1, 4), dtype=np.float32), examples.vectors)


@pytest.mark.parametrize("vector", [np.ones(8), np.zeros(8)])
def test_equal_vectors_and_texts_without_words_give_answers_that_nobody_is_sure_of(vector):
    vectors = np.tile(vector, (40, 1)).astype(np.float32)
    examples = Examples(vectors, ["!"] * 40, np.arange(40) % 2)
    classifier, _ = classification.fit(examples, 2)
    answers = classifier.classify(vectors, examples.texts)
    assert np.isfinite(answers.chances).all()
    assert not answers.is_sure.any()


def test_a_single_example_of_a_class_is_learnt_from():
    examples = blobs(101, 2, spread=0.1)
    codes = np.append(np.zeros(100, dtype=int), 1)
    one = Examples(examples.vectors, examples.texts, codes)
    classifier, held_out = classification.fit(one, 2)
    assert len(held_out.codes) == 101
    assert classifier.classify(one.vectors, one.texts).codes.shape == (101,)


def test_a_sample_of_many_keeps_small_classes_whole():
    codes = np.append(np.zeros(30_000, dtype=int), [1] * 5)
    vectors = np.zeros((len(codes), 2), dtype=np.float32)
    vectors[:, 0], vectors[-5:, 1] = 1, 2
    rows = classification.sample(codes)
    assert (codes[rows] == 1).sum() == 5
    assert len(rows) <= 20_010
    examples = Examples(vectors, [""] * len(codes), codes).at(rows)
    classifier, _ = classification.fit(examples, 2)
    assert classifier.classify(vectors[-5:], [""] * 5).codes.tolist() == [1] * 5


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_chances_rise_with_scores_and_are_never_certain(pairs):
    scores, right = (np.array(column) for column in zip(*pairs, strict=True))
    learnt = confidence.learn(scores, right, 0.9)
    chances = learnt.of(np.sort(scores))
    assert (np.diff(chances) >= -1e-12).all()
    assert ((chances > 0) & (chances < 1)).all()
    sure = learnt.is_sure(scores)
    assert not sure.any() or right[sure].mean() >= 0.9


@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 9))
def test_log_probabilities_are_of_a_whole(classes, rows, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(rows, 5)).astype(np.float32)
    model = class_means.fit(vectors, rng.integers(0, classes, rows), None, classes)
    told = np.exp(model.log_probabilities(vectors)).sum(axis=1)
    assert np.allclose(told, 1, atol=1e-4)
