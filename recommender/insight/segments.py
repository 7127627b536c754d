"""For which users and which products lists are good. Numbers in, numbers out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight.beyond_accuracy import EMPTY
from recommender.insight.evaluation_result import Segment
from recommender.ranking import metrics
from recommender.ranking.metrics import Accuracy

# Each segment ends before the number; the last label is of what is beyond.
_HISTORY_ENDS = (1, 2, 5, 10, 20, 50)
_HISTORY_LABELS = ("0", "1", "2-4", "5-9", "10-19", "20-49", "50+")
_AGE_ENDS = (30, 90, 365)
_AGE_LABELS = ("<30", "30-90", "90-365", "365+", "unknown")


def by_history(accuracy: Accuracy, sizes: NDArray[np.int64]) -> tuple[Segment, ...]:
    """NDCG and recall by how many distinct products a user had had, `sizes` of shape (users,)."""
    segment = np.digitize(sizes, _HISTORY_ENDS)
    values = np.column_stack([accuracy.ndcg, accuracy.recall])
    return _segments(_HISTORY_LABELS, lambda number: values[segment == number], ("ndcg", "recall"))


def by_age(
    places: NDArray[np.int64],
    hits: NDArray[np.bool_],
    relevance: csr_array,
    ages: NDArray[np.float64],
) -> tuple[Segment, ...]:
    """Recall@k of the relevant products of each age, among the users who have one of that age.

    Args:
        places: columns listed, shape (users, k).
        hits: which of them were relevant, shape (users, k).
        relevance: users × products, ones.
        ages: days, shape (products,); NaN is unknown. What came after the cut-off is the youngest.
    """
    segment = np.where(np.isnan(ages), len(_AGE_ENDS) + 1, np.digitize(ages, _AGE_ENDS))
    listed = np.where(places == EMPTY, EMPTY, segment[places])

    def recall(number: int) -> NDArray[np.float64]:
        n_relevant = np.minimum(relevance @ (segment == number), places.shape[1])
        n_hits = (hits & (listed == number)).sum(axis=1)
        has_any = n_relevant > 0
        column: NDArray[np.float64] = (n_hits[has_any] / n_relevant[has_any])[:, None]
        return column

    return _segments(_AGE_LABELS, recall, ("recall",))


def _segments(
    labels: tuple[str, ...],
    values: Callable[[int], NDArray[np.float64]],
    names: tuple[str, ...],
) -> tuple[Segment, ...]:
    """A segment for each number that has values, shape (users, names)."""
    columns = [(label, values(number)) for number, label in enumerate(labels)]
    return tuple(
        Segment(label, len(rows), dict(zip(names, metrics.intervals(rows), strict=True)))
        for label, rows in columns
        if len(rows)
    )
