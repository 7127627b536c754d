"""Recall and NDCG of lists under a set's protocol, with intervals over its users."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.dataset import Dataset
from recommender.ranking import metrics
from recommender.ranking.metrics import Interval

CUTS = (10, 20)
LONGEST = max(CUTS)


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one method's lists.

    Attributes:
        figures: by name, such as `recall@10`, the mean over users and its 95 % interval.
        coverage: the share of the products that are in some list of 20.
    """

    figures: dict[str, Interval]
    coverage: float


def measure(lists: Sequence[NDArray[np.int64]], dataset: Dataset) -> Measured:
    """The figures of lists of product rows, best first, one for each of `dataset.tested`.

    A list that is shorter than the cut misses; it does not make the cut shorter.
    """
    hits = hits_of(lists, dataset, dataset.tested)
    n_wanted = np.diff(dataset.wanted.indptr)[dataset.tested]
    figures: dict[str, Interval] = {}
    for k in CUTS:
        of_k = per_user(hits[:, :k], n_wanted, is_capped=dataset.is_recall_capped)
        figures |= {f"{name}@{k}": metrics.interval(values) for name, values in of_k.items()}
    listed = np.unique(np.concatenate([*lists, np.zeros(0, np.int64)]))
    return Measured(figures, len(listed) / len(dataset.products))


def hits_of(
    lists: Sequence[NDArray[np.int64]], dataset: Dataset, users: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of 20 places hold what is wanted, shape (users, 20).

    Args:
        lists: product rows, best first, one for each of these users.
    """
    hits = np.zeros((len(lists), LONGEST), bool)
    wanted = dataset.wanted
    for place, (row, listed) in enumerate(zip(users, lists, strict=True)):
        of_user = wanted.indices[wanted.indptr[row] : wanted.indptr[row + 1]]
        hits[place, : len(listed)] = np.isin(listed[:LONGEST], of_user)
    return hits


def per_user(
    hits: NDArray[np.bool_], n_wanted: NDArray[np.int64], *, is_capped: bool
) -> dict[str, NDArray[np.float64]]:
    """Recall and NDCG of each list of `hits`, shape (users, k)."""
    accuracy = metrics.accuracy(hits, n_wanted)
    recall = accuracy.recall if is_capped else hits.sum(axis=1) / n_wanted
    return {"recall": recall, "ndcg": accuracy.ndcg}
