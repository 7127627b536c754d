"""How well classes are told of products that were not learnt from, and by simpler ways."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from recommender.analysis import class_means, confidence
from recommender.analysis.classification import Codes, Examples, HeldOut, folds_of

_NEIGHBOURS = 10
_SEED = 21


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of held-out products; the weight and the threshold are of other ones."""

    products: int
    accuracy: float
    coverage: float  # of whom a class is told with the wanted precision
    precision: float  # among those, as it turned out
    calibration_error: float  # between chances and what came true, weighed by tenths


def quality(held_out: HeldOut, precision: float) -> Quality:
    """Judge each half of the products by what the other half says of weight and threshold.

    Args:
        held_out: of two products at least.
        precision: the wanted one.
    """
    halves = np.random.default_rng(_SEED).permutation(len(held_out.codes)) % 2
    right = np.empty(len(halves), dtype=bool)
    sure, chances = right.copy(), np.empty(len(halves))
    for half in (0, 1):
        rows, others = np.flatnonzero(halves == half), held_out.at(np.flatnonzero(halves != half))
        weight = others.weight()
        learnt = confidence.learn(*others.best(weight), precision)
        scores, right[rows] = held_out.at(rows).best(weight)
        sure[rows], chances[rows] = learnt.is_sure(scores), learnt.of(scores)
    return Quality(
        products=len(halves),
        accuracy=float(right.mean()),
        coverage=float(sure.mean()),
        precision=float(right[sure].mean()) if sure.any() else float("nan"),
        calibration_error=_calibration_error(chances, right),
    )


def neighbours_accuracy(examples: Examples) -> float:
    """Of the vote of the 10 nearest, on the same folds; what is to be beaten."""
    rows = class_means.unit_rows(examples.vectors)

    def told(learnt: Codes, asked: Codes) -> Codes:
        model = KNeighborsClassifier(min(_NEIGHBOURS, len(learnt)), weights="distance")
        return np.asarray(model.fit(rows[learnt], examples.codes[learnt]).predict(rows[asked]))

    return _accuracy(examples.codes, told)


def words_accuracy(texts: Sequence[str], codes: Codes) -> float:
    """Of a logistic regression on TF-IDF of these texts, on the same folds; to be beaten too."""

    def told(learnt: Codes, asked: Codes) -> Codes:
        vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=20_000)
        if not any(re.search(r"\w\w", texts[row]) for row in learnt):
            return np.full(len(asked), np.bincount(codes[learnt]).argmax())
        model = LogisticRegression(C=10.0, max_iter=100, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(vectorizer.fit_transform([texts[row] for row in learnt]), codes[learnt])
        return np.asarray(model.predict(vectorizer.transform([texts[row] for row in asked])))

    return _accuracy(codes, told)


def _accuracy(codes: Codes, told: Callable[[Codes, Codes], Codes]) -> float:
    folds = folds_of(codes)
    with threadpool_limits(1):
        right = [
            told(np.flatnonzero(folds != fold), rows) == codes[rows]
            for fold in np.unique(folds)
            for rows in (np.flatnonzero(folds == fold),)
            if len(np.unique(codes[folds != fold])) > 1
        ]
    return float(np.concatenate(right).mean()) if right else float("nan")


def _calibration_error(chances: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    tenths = np.minimum((chances * 10).astype(np.int64), 9)
    counts = np.bincount(tenths, minlength=10)
    gaps = np.abs(np.bincount(tenths, chances - right, minlength=10))
    return float(gaps.sum() / counts.sum())
