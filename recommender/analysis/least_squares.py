"""What products say as numbers, and what the others' answers tell of each: ridge, left one out.

Regularised least squares, asked of each product as if it had not been learnt from: the closed form
of Rifkin and Lippert, "Notes on Regularized Least Squares" (2007).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from recommender.analysis.nearest import Vectors

_RIDGE = 1.0
_BLOCK = 20_000
# How much all names of a product's attributes weigh beside its vector, and how much a number does.
_NAMES_WEIGHT, _NUMBER_WEIGHT = 0.7, 0.3
_BEHAVIOUR_WEIGHT = 0.5
_MOST_NAMES, _MOST_NUMBERS = 64, 32
_MOST = 1e12  # what is more is an id
_FARTHEST = 3.0  # of a number, in robust standard deviations
_MAD_TO_SIGMA = 1.4826


class LeftOut:
    """Answers for each row of features by what is learnt from all other rows."""

    def __init__(self, features: Vectors) -> None:
        """Shape (products, columns); a column of ones is not needed, as answers are centred."""
        gram = (features.T @ features).astype(np.float64)
        gram[np.diag_indices_from(gram)] += _RIDGE
        self._features = features
        self._inverse = linalg.inv(gram)
        small = self._inverse.astype(np.float32)
        blocks = (features[start : start + _BLOCK] for start in range(0, len(features), _BLOCK))
        leverage = np.concatenate([np.einsum("nd,nd->n", part @ small, part) for part in blocks])
        self._free = np.maximum(1 - leverage, 1e-3)
        self._leverage = leverage

    def weights(self, sums: NDArray[np.floating]) -> NDArray[np.float32]:
        """The weights for features' sums by centred answers, shape (columns, answers)."""
        made: NDArray[np.float32] = (self._inverse @ sums).astype(np.float32)
        return made

    def answers(
        self, rows: slice, weights: NDArray[np.float32], known: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """What the others tell of some rows, whose own centred answers are known."""
        told = self._features[rows] @ weights
        answers: NDArray[np.float32] = (told - self._leverage[rows, None] * known) / self._free[
            rows, None
        ]
        return answers


def features(
    unit: Vectors, attributes: Sequence[Mapping[str, object]], behaviour: Vectors | None = None
) -> Vectors:
    """The vectors around their mean, the names of the commonest attributes, and their numbers.

    Args:
        behaviour: vectors at length 1 of what users did, of any dimension; zeros where none is.
    """
    names = _common(attributes, _MOST_NAMES, lambda _: True)
    numbers = _common(attributes, _MOST_NUMBERS, _is_amount)
    extra = 0 if behaviour is None else behaviour.shape[1]
    widths = np.cumsum([unit.shape[1], extra, len(names), len(numbers)])
    made = np.zeros((len(unit), int(widths[-1])), dtype=np.float32)
    vectors, known, named, amounts = np.split(made, widths[:-1], axis=1)
    vectors[:] = unit
    vectors -= vectors.mean(axis=0)
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    vectors /= np.maximum(lengths, 1e-6)[:, None]
    if behaviour is not None:
        np.multiply(behaviour, _BEHAVIOUR_WEIGHT, out=known)
    for row, held in enumerate(attributes):
        columns = [names[name] for name in held if name in names]
        named[row, columns] = _NAMES_WEIGHT / np.sqrt(max(1, len(columns)))
        for name, value in held.items():
            if name in numbers and _is_amount(value):
                amounts[row, numbers[name]] = np.log(float(value))  # type: ignore[arg-type]
    _standardise(amounts)
    return made


def _common(
    attributes: Sequence[Mapping[str, object]], most: int, counts: Callable[[object], bool]
) -> dict[str, int]:
    tally = Counter(name for held in attributes for name in held if counts(held[name]))
    return {name: column for column, (name, _) in enumerate(tally.most_common(most))}


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _MOST


def _standardise(amounts: Vectors) -> None:
    """Robustly, column by column; 0 stays, for a product that does not say it."""
    for column in amounts.T:
        there = column != 0
        if not there.any():
            continue
        deviation = column[there] - np.median(column[there])
        sigma = _MAD_TO_SIGMA * float(np.median(np.abs(deviation)))
        scaled = deviation / sigma if sigma > 0 else np.sign(deviation)
        column[there] = _NUMBER_WEIGHT * np.clip(scaled, -_FARTHEST, _FARTHEST)
