"""Classes that people refused for a product: never told of it again, and less of those like it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.analysis.class_means import unit_rows

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]

# Of squared distances: a neighbour that is nearer by 0.05 of cosine counts 2.7 times as much.
_TEMPERATURE = 0.1
# A refusal says that a class is wrong of one product; of its twin it may still be right.
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was refused, and the labelled products that speak for a class beside it.

    Attributes:
        keys: of the products, shape (refusals,).
        codes: the class that was refused for each.
        vectors: theirs, shape (refusals, dimensions).
        learnt: vectors of labelled products, shape (products, dimensions).
        learnt_codes: the class of each.
    """

    keys: Codes
    codes: Codes
    vectors: Floats
    learnt: Floats
    learnt_codes: Codes

    def masked(self, keys: Codes, told: Floats) -> Floats:
        """Log-probabilities without what was refused for the products themselves.

        Args:
            keys: of the products, in any order; shape (products,).
            told: log-probabilities, shape (products, classes).
        """
        order = np.argsort(keys, kind="stable")
        rows = np.minimum(np.searchsorted(keys[order], self.keys), max(len(keys) - 1, 0))
        left = told.copy()
        if len(keys):
            is_there = keys[order][rows] == self.keys
            left[order[rows[is_there]], self.codes[is_there]] = -np.inf
        return left

    def discounted(self, vectors: Floats, told: Floats) -> Floats:
        """Log-probabilities, each class's times the chance that a neighbour does not refuse it.

        The neighbour is drawn among the class's labelled and refused products as in Goldberger et
        al., "Neighbourhood Components Analysis" (NIPS 2004). What is taken away goes to no other
        class: of a product whose class was refused, the others are no surer than before.

        Args:
            vectors: of the products, shape (products, dimensions).
            told: log-probabilities, shape (products, classes).
        """
        rows, left = unit_rows(vectors), told.copy()
        for code in np.unique(self.codes).tolist():
            against = unit_rows(self.vectors[self.codes == code])
            pro = unit_rows(self.learnt[self.learnt_codes == code])
            nearness = rows @ np.concatenate([against, pro]).T * (2 / _TEMPERATURE)
            weights = np.exp(nearness - nearness.max(axis=1, keepdims=True))
            refused = weights[:, : len(against)].sum(axis=1) / weights.sum(axis=1)
            left[:, code] += np.log(np.maximum(1 - refused, _LEAST))
        return left
