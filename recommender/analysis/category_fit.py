"""Which category fits each product, by the other products of each.

One answer for each category and one for each department is learnt of what products say, and asked
of each product as if it had not been learnt from. What it says against a product's own label is
the measure of a wrong one in confident learning (Northcutt, Jiang and Chuang 2021).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.analysis.least_squares import LeftOut
from recommender.analysis.nearest import Vectors

_BLOCK = 20_000
_FEWEST = 2  # products of a category that can tell of another


@dataclass(frozen=True, slots=True)
class CategoryFit:
    """How much better another category fits than its own; NaN where that cannot be told.

    Attributes:
        margins: shape (products,), above 0 where another one fits better.
        best: the category that fits best of all others; -1 where there is none.
        names: the categories.
    """

    margins: NDArray[np.float64]
    best: NDArray[np.int64]
    names: tuple[str, ...]

    def best_name(self, row: int) -> str:
        """The category that fits a product best of all others."""
        return self.names[int(self.best[row])]


def fit(features: Vectors, categories: Sequence[str]) -> CategoryFit | None:
    """How the categories fit; None where fewer than two of them have two products.

    Args:
        features: of each product, shape (products, columns); zeros where nothing is known.
        categories: paths, as "Home/Kitchen"; empty where there is none.
    """
    has = np.any(features != 0, axis=1)
    counts = Counter(path for path, there in zip(categories, has, strict=True) if there and path)
    names = tuple(sorted(path for path, count in counts.items() if count >= _FEWEST))
    if len(names) < 2:
        return None
    number = {path: n for n, path in enumerate(names)}
    column = np.array([number.get(path, -1) for path in categories], dtype=np.int64)
    rows = np.flatnonzero(has & (column >= 0))
    margins = np.full(len(features), np.nan)
    best = np.full(len(features), -1, dtype=np.int64)
    judged = features if len(rows) == len(features) else features[rows]
    model = _Model(judged, column[rows], names)
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        scores, own = model.scores(part)
        best[rows[part]] = scores.argmax(axis=1)
        margins[rows[part]] = scores.max(axis=1) - own
    return CategoryFit(margins, best, names)


class _Model:
    def __init__(
        self, features: Vectors, labels: NDArray[np.int64], names: tuple[str, ...]
    ) -> None:
        known: dict[str, int] = {}
        parents = [known.setdefault(path.split("/")[0], len(known)) for path in names]
        self._department = np.array(parents, dtype=np.int64)
        self._features, self._labels = features, labels
        self._left_out = LeftOut(features)
        self._leaf = self._learnt(labels, len(names))
        self._top = self._learnt(self._department[labels], len(known))

    def _learnt(
        self, labels: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of each column the weights, and its share of the products."""
        ones = np.ones(len(labels), dtype=np.float32)
        member = csr_array((ones, (labels, np.arange(len(labels)))), (count, len(labels)))
        share = (np.bincount(labels, minlength=count) / len(labels)).astype(np.float32)
        sums = member @ self._features - share[:, None] * self._features.sum(axis=0)
        return self._left_out.weights(sums.T), share

    def scores(self, part: slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of some products the score of each other category, and that of their own."""
        labels = self._labels[part]
        leaf = self._told(part, labels, *self._leaf)
        top = self._told(part, self._department[labels], *self._top)
        scores = leaf + top[:, self._department]
        own = scores[np.arange(len(labels)), labels]
        scores[np.arange(len(labels)), labels] = -np.inf
        return scores, own

    def _told(
        self,
        part: slice,
        labels: NDArray[np.int64],
        weights: NDArray[np.float32],
        share: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        known = np.tile(-share, (len(labels), 1))
        known[np.arange(len(labels)), labels] += 1
        return self._left_out.answers(part, weights, known) + share
