"""Classes told from vectors by their means: of labelled rows, of the labels' own texts, or both.

Linear discriminant analysis (Fisher 1936) with a shared covariance shrunk as Ledoit and Wolf (2004)
say. The mean of a class is a maximum-a-posteriori estimate, whose prior is the vector of the
label's text where there is one: with no labelled row it is zero-shot, with a few it is few-shot,
and with many the text no longer counts. Prototypes as in Snell, Swersky and Zemel, "Prototypical
Networks for Few-shot Learning" (NeurIPS 2017).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import ledoit_wolf_shrinkage

Floats = NDArray[np.float32]

# As many rows the text of a label is worth, and the mean of all rows where there is no such text.
_TEXT_ROWS, _MEAN_ROWS = 1.0, 3.0
# Of cosines of sentence embeddings, which differ by a tenth where labels differ.
_ZERO_SHOT_SHARPNESS = 25.0


@dataclass(frozen=True, slots=True)
class ClassMeans:
    """A linear rule: log-odds of classes are `vectors @ weights + offsets`."""

    weights: Floats  # (dimensions, classes)
    offsets: Floats  # (classes,)

    def log_probabilities(self, vectors: Floats) -> Floats:
        """Of each class, shape (rows, classes), by its own estimate, which is not calibrated."""
        return log_softmax(unit_rows(vectors) @ self.weights + self.offsets)


def fit(vectors: Floats, codes: NDArray[np.int64], texts: Floats | None, n: int) -> ClassMeans:
    """Learn n classes from labelled rows.

    Args:
        vectors: shape (rows, dimensions).
        codes: the class of each row, 0 to n - 1; shape (rows,).
        texts: a vector for each class, of its label's text; shape (n, dimensions).
        n: how many classes.
    """
    rows = unit_rows(vectors)
    middle = rows.mean(axis=0)
    rows = rows - middle
    counts = np.bincount(codes, minlength=n).astype(np.float32)
    sums, worth = _sums(rows, codes, n), _MEAN_ROWS
    if texts is not None:
        sums, worth = sums + _TEXT_ROWS * _differences(texts), _TEXT_ROWS
    means = sums / (counts + worth)[:, None]
    precision = _precision(rows - means[codes])
    weights = precision @ means.T
    # A class that no row is labelled with may still be one's.
    shares = np.log((counts + 1) / (counts.sum() + n))
    offsets = shares - 0.5 * (means.T * weights).sum(axis=0) - middle @ weights
    return ClassMeans(weights.astype(np.float32), offsets.astype(np.float32))


def zero_shot(texts: Floats, vectors: Floats) -> ClassMeans:
    """Classes by the vectors of their labels' texts alone.

    Args:
        texts: shape (classes, dimensions).
        vectors: what is going to be asked about, or a sample of it; shape (rows, dimensions).
            Texts of products and of labels lie apart: each is compared by how it differs from its
            own kind.
    """
    directions = unit_rows(_differences(texts))
    weights = _ZERO_SHOT_SHARPNESS * directions.T
    offsets = -unit_rows(vectors).mean(axis=0) @ weights
    return ClassMeans(weights.astype(np.float32), offsets.astype(np.float32))


def unit_rows(vectors: Floats) -> Floats:
    """Rows of length 1; those of nothing but zeros stay so."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    units: Floats = np.divide(rows, np.where(lengths > 0, lengths, 1), dtype=np.float32)
    return units


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of what adds up to 1 in each row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    told: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return told


def _sums(rows: Floats, codes: NDArray[np.int64], n: int) -> Floats:
    sums = np.zeros((n, rows.shape[1]), dtype=np.float32)
    np.add.at(sums, codes, rows)
    return sums


def _differences(texts: Floats) -> Floats:
    """What tells each label's text from the others'."""
    units = unit_rows(texts)
    differences: Floats = units - units.mean(axis=0)
    return differences


def _precision(residuals: Floats) -> Floats:
    """The inverse of the covariance within classes, shrunk towards the same in every direction."""
    dimensions = residuals.shape[1]
    covariance = residuals.T @ residuals / len(residuals)
    spread = max(float(np.trace(covariance)) / dimensions, 1e-9)
    shrinkage = 1.0
    if len(residuals) > 1:
        shrinkage = max(float(ledoit_wolf_shrinkage(residuals, assume_centered=True)), 1e-3)
    shrunk = (1 - shrinkage) * covariance + shrinkage * spread * np.eye(
        dimensions, dtype=np.float32
    )
    precision: Floats = np.linalg.inv(shrunk).real.astype(np.float32)
    return precision
