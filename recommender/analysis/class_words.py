"""Classes told from the words of texts: a logistic regression on TF-IDF.

Of each word its first letters count too, so that a word's other forms and compounds tell the same.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

# Of a text; what comes later seldom tells what a product is, and costs as much to read.
_MOST_CHARACTERS = 600
_STEM = 5
_MOST_WORDS, _MOST_WEIGHTS = 20_000, 2_000_000
_STEPS = 100
_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True, slots=True)
class ClassWords:
    """What words say about classes."""

    vectorizer: TfidfVectorizer
    model: LogisticRegression
    n: int

    def log_probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Of each class, shape (texts, classes); one that no text was of is as the least likely."""
        known = np.log(self.model.predict_proba(self.vectorizer.transform(texts)) + 1e-9)
        told = np.repeat(known.min(axis=1, keepdims=True), self.n, axis=1)
        told[:, self.model.classes_] = known
        return told.astype(np.float32)


def fit(texts: Sequence[str], codes: NDArray[np.int64], n: int) -> ClassWords | None:
    """Learn n classes from labelled texts; None where there are no words, or one class.

    Args:
        texts: one for each row.
        codes: the class of each row; shape (rows,).
        n: how many classes.
    """
    words = min(_MOST_WORDS, max(1, _MOST_WEIGHTS // n))
    vectorizer = TfidfVectorizer(analyzer=parts, sublinear_tf=True, max_features=words)
    if len(np.unique(codes)) < 2 or not any(_WORD.search(text) for text in texts):
        return None
    # Few weights are at rest after so many steps, and the answers are.
    model = LogisticRegression(C=100.0, max_iter=_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectorizer.fit_transform(texts), codes)
    return ClassWords(vectorizer, model, n)


def parts(text: str) -> list[str]:
    """The words of a text, and the first letters of its long ones."""
    words = _WORD.findall(text[:_MOST_CHARACTERS].lower())
    return words + [f"{word[:_STEM]}*" for word in words if len(word) > _STEM]
