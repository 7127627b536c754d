"""Which class a product belongs to, how sure that is, and when it is not known.

Two models look at a product: `class_means` at its vector, `class_words` at its text. Their
log-probabilities are added up by a weight, a product of experts (Hinton 1999), which products that
neither had learnt from choose; the same calibrate the confidence and say from where on it can be
relied on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.analysis import class_means, class_words, confidence
from recommender.analysis.class_means import ClassMeans
from recommender.analysis.class_words import ClassWords
from recommender.analysis.confidence import Confidence

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

# What the vector's say is worth beside the words'; it is far too sure of itself.
_WEIGHTS = (0.0, 0.03, 0.1, 0.3, 1.0)
# Learning from more does not tell more, and takes longer.
_MOST_LEARNT = 20_000
_FOLDS = 5
_SEED = 20


class ClassificationError(ValueError):
    """What is given cannot be classified; the message says why."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Products of known classes."""

    vectors: Floats  # (products, dimensions)
    texts: Sequence[str]
    codes: Codes  # of the class; (products,)
    titles: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, rows: NDArray[np.integer]) -> "Examples":
        """Those of these rows."""
        return Examples(
            self.vectors[rows], [self.texts[row] for row in rows.tolist()], self.codes[rows]
        )


def joined(parts: Sequence[Examples], dimensions: int) -> Examples:
    """All of several parts; there may be none."""
    empty = Examples(np.zeros((0, dimensions), np.float32), [], np.zeros(0, np.int64))
    return Examples(
        np.concatenate([part.vectors for part in (empty, *parts)]),
        [text for part in parts for text in part.texts],
        np.concatenate([part.codes for part in (empty, *parts)]),
        [title for part in parts for title in part.titles],
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """The class of each product; every array has shape (products,)."""

    codes: Codes
    chances: NDArray[np.float64]  # of being right
    is_sure: NDArray[np.bool_]  # as precise as was wanted; where not, it is not known
    seconds: Codes  # the next likely class

    def at(self, rows: NDArray[np.integer]) -> "Answers":
        """Those of these products."""
        return Answers(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def all_answers(parts: Sequence[Answers]) -> Answers:
    """Those of several calls, one after the other; there may be none."""
    nobody = np.zeros(0, np.int64)
    empty = Answers(nobody, np.zeros(0), np.zeros(0, dtype=bool), nobody)
    return Answers(
        *(
            np.concatenate([getattr(part, name) for part in (empty, *parts)])
            for name in Answers.__dataclass_fields__
        )
    )


@dataclass(frozen=True, slots=True)
class Classifier:
    """A learnt rule. Where nothing was held out, its chances are not calibrated."""

    means: ClassMeans
    words: ClassWords | None
    weight: float
    confidence: Confidence | None

    def log_probabilities(self, vectors: Floats, texts: Sequence[str]) -> Floats:
        """Of each class, shape (products, classes), before calibration."""
        of_vectors = self.means.log_probabilities(vectors)
        of_words = None if self.words is None else self.words.log_probabilities(texts)
        return _joined(of_vectors, of_words, self.weight)

    def classify(self, vectors: Floats, texts: Sequence[str]) -> Answers:
        """The class of each product; without calibration none is sure."""
        return self.answers(self.log_probabilities(vectors, texts))

    def answers(self, told: Floats) -> Answers:
        """What log-probabilities say, shape (products, classes)."""
        ranked = np.argpartition(-told, 1, axis=1)[:, :2]
        is_swapped = np.take_along_axis(told, ranked, axis=1).argmax(axis=1)
        rows = np.arange(len(told))
        best, second = ranked[rows, is_swapped], ranked[rows, 1 - is_swapped]
        scores = np.exp(told[rows, best]).astype(np.float64)
        if self.confidence is None:
            return Answers(best, scores, np.zeros(len(rows), dtype=bool), second)
        return Answers(best, self.confidence.of(scores), self.confidence.is_sure(scores), second)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What both models said of products that they had not learnt from."""

    of_vectors: Floats  # log-probabilities; (products, classes)
    of_words: Floats | None
    codes: Codes  # the true ones

    def at(self, rows: NDArray[np.integer]) -> "HeldOut":
        """Those of these products."""
        words = None if self.of_words is None else self.of_words[rows]
        return HeldOut(self.of_vectors[rows], words, self.codes[rows])

    def log_probabilities(self, weight: float) -> Floats:
        """Of both together, shape (products, classes)."""
        return _joined(self.of_vectors, self.of_words, weight)

    def best(self, weight: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Of each product the score of the likeliest class, and whether it is the true one."""
        told = self.log_probabilities(weight)
        scores = np.exp(told.max(axis=1)).astype(np.float64)
        return scores, told.argmax(axis=1) == self.codes

    def weight(self) -> float:
        """With which most are right."""
        if self.of_words is None:
            return 1.0
        return max(_WEIGHTS, key=lambda weight: float(self.best(weight)[1].mean()))


def fit(
    examples: Examples, n: int, *, precision: float = 0.95, labels: Floats | None = None
) -> tuple[Classifier, HeldOut]:
    """Learn n classes from examples.

    Args:
        examples: of at least two classes; of many products those of `sample`.
        n: how many classes there are.
        precision: the wanted share of right ones among sure ones.
        labels: a vector for each class, of its label's text; shape (n, dimensions).

    Returns:
        The rule, and what was said of each example by those that had not learnt from it.

    Raises:
        ClassificationError: there are examples of fewer than two classes.
    """
    _check(examples, n)
    # Hundreds of small products of matrices: threads would wait for each other.
    with threadpool_limits(1):
        held_out = hold_out(examples, n, labels)
        means, words = _models(examples, n, labels)
    weight = held_out.weight()
    calibrated = confidence.learn(*held_out.best(weight), precision)
    return Classifier(means, words, weight, calibrated), held_out


def zero_shot(labels: Floats, vectors: Floats) -> Classifier:
    """A rule of the labels' texts alone; see `class_means.zero_shot`.

    Raises:
        ClassificationError: there are fewer than two labels.
    """
    if len(labels) < 2:
        raise ClassificationError("There is one label; to choose, there have to be two.")
    return Classifier(class_means.zero_shot(labels, vectors), None, 1.0, None)


def hold_out(examples: Examples, n: int, labels: Floats | None = None) -> HeldOut:
    """What models of the other folds say of each fold's products."""
    folds = folds_of(examples.codes)
    of_vectors = np.empty((len(examples), n), dtype=np.float32)
    of_words: Floats | None = np.empty_like(of_vectors)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        means, words = _models(examples.at(np.flatnonzero(folds != fold)), n, labels)
        of_vectors[rows] = means.log_probabilities(examples.vectors[rows])
        if words is None or of_words is None:
            of_words = None
        else:
            of_words[rows] = words.log_probabilities(examples.at(rows).texts)
    return HeldOut(of_vectors, of_words, examples.codes)


def folds_of(codes: Codes) -> Codes:
    """A fold for each product, each class dealt out evenly; shape (products,)."""
    shuffled = np.random.default_rng(_SEED).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    folds = np.empty(len(codes), dtype=np.int64)
    folds[by_class] = np.arange(len(codes)) % min(_FOLDS, len(codes))
    return folds


def _models(
    examples: Examples, n: int, labels: Floats | None
) -> tuple[ClassMeans, ClassWords | None]:
    means = class_means.fit(examples.vectors, examples.codes, labels, n)
    return means, class_words.fit(examples.texts, examples.codes, n)


def _check(examples: Examples, n: int) -> None:
    classes = len(np.unique(examples.codes))
    if n < 2 or classes < 2:
        there = "no class" if not classes else "one class"
        raise ClassificationError(
            f"There are examples of {there}; to learn which is which takes two at least."
        )


def sample(codes: Codes) -> Codes:
    """The rows to learn from: all where they are at most 20,000, else some of each class.

    Half go by the classes' shares, half are the same of each, so that small ones are not lost.
    """
    if len(codes) <= _MOST_LEARNT:
        return np.arange(len(codes))
    order = np.random.default_rng(_SEED).permutation(len(codes))
    counts = np.bincount(codes)
    half = _MOST_LEARNT / 2
    quota = np.ceil(counts * (half / counts.sum()) + half / np.count_nonzero(counts))
    by_class = order[np.argsort(codes[order], kind="stable")]
    place = np.arange(len(by_class)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_class[place < np.repeat(quota, counts)])


def _joined(of_vectors: Floats, of_words: Floats | None, weight: float) -> Floats:
    if of_words is None:
        return of_vectors
    return class_means.log_softmax(weight * of_vectors + (1 - weight) * of_words)
