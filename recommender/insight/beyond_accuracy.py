"""What lists are like besides accurate, and for which users and products they are good.

Covering, novel, diverse, popular; by history and by age. Numbers in, numbers out.
Lists are int64 columns of products, shape (lists, k), best first; −1 is a place left empty. What a
list without a product (or, for diversity, without a pair) cannot have is NaN.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import rankdata

from recommender.insight.evaluation_result import FEW, UNTOUCHED, Segment
from recommender.ranking import metrics
from recommender.ranking.metrics import Accuracy, Interval, middle, quotient, resamples

EMPTY = -1
# What one block of lists × places × dimensions may hold: 32 MB of float32.
_BLOCK_CELLS = 8_000_000


def coverage(lists: NDArray[np.int64], listable: NDArray[np.bool_]) -> Interval | None:
    """Catalog coverage (Ge et al. 2010): which share of what can be listed is in some list.

    Its interval is the spread of resampled lists put around the coverage of all: a resample holds
    some lists twice and so covers less.

    Args:
        listable: bool, shape (products,).

    Returns:
        None where nothing is listable or there is no list.
    """
    total = int(listable.sum())
    if not len(lists) or not total:
        return None
    held = _held(lists, len(listable))[:, np.flatnonzero(listable)]
    share = np.count_nonzero(held.sum(axis=0)) / total
    by_product = csr_array(held.T)
    resampled = np.concatenate(
        [
            np.count_nonzero(by_product @ (draws.T > 0), axis=0) / total
            for draws in resamples(len(lists), total)
        ]
    )
    below, above = (end - resampled.mean() for end in middle(resampled))
    return Interval(
        mean=float(share),
        low=float(max(share + min(below, 0.0), 0.0)),
        high=float(min(share + max(above, 0.0), 1.0)),
    )


def novelty(
    lists: NDArray[np.int64], popularity: NDArray[np.int64], users: int
) -> NDArray[np.float64]:
    """Mean self-information of each list's products, in bits (Zhou et al. 2010).

    −log₂ of the share of users who had the product (the popularity complement of Vargas & Castells
    2011). What nobody had counts as had by one of one user more: 1 / (users + 1).

    Args:
        popularity: how many of the users had each product, shape (products,).
        users: how many users there are.
    """
    shares = np.where(popularity > 0, popularity / max(users, 1), 1 / (users + 1))
    return _mean_of(lists, -np.log2(shares))


def diversity(lists: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intra-list diversity: the mean of 1 − cosine over a list's pairs (Smyth & McClave 2001).

    Args:
        vectors: unit rows, shape (products, dimension); a row of zeros is a product without a
            vector, which is left out.
    """
    step = max(1, _BLOCK_CELLS // max(1, lists.shape[1] * vectors.shape[1]))
    blocks = [lists[start : start + step] for start in range(0, len(lists), step)]
    return np.concatenate([np.empty(0), *(_diversity(block, vectors) for block in blocks)])


def popularity_lift(
    lists: NDArray[np.int64], history: csr_array, popularity: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much more popular a list is than what its user had: −1 to 1, 0 is calibrated.

    The popularity lift of Abdollahpouri et al. (2019, "The unfairness of popularity bias in
    recommendation"): the average popularity of the list less that of the user's profile. Popularity
    is a product's percentile among all products, not its count, so that the few best sellers do not
    decide, and users and catalogs compare.

    Args:
        history: users × products, stored where a user had the product; a row for each list.
        popularity: how many users had each product, shape (products,).
    """
    percentiles = (rankdata(popularity) - 0.5) / len(popularity)
    had = csr_array((np.ones(history.nnz), history.indices, history.indptr), shape=history.shape)
    return _mean_of(lists, percentiles) - quotient(had @ percentiles, np.diff(history.indptr))


def _held(lists: NDArray[np.int64], products: int) -> csr_array:
    """Which products each list holds, lists × products."""
    filled = lists != EMPTY
    bounds = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    ones = np.ones(bounds[-1], np.float32)
    return csr_array((ones, lists[filled], bounds), shape=(len(lists), products))


def _mean_of(lists: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the products' values, shape (lists,); NaN of an empty list."""
    filled = lists != EMPTY
    return quotient(np.where(filled, values[lists], 0.0).sum(axis=1), filled.sum(axis=1))


def _diversity(lists: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """By the length of the sum of the vectors: |Σv|² − n is twice the sum of the pairs' cosines."""
    held = np.where((lists != EMPTY)[..., None], vectors[lists], np.float32(0))
    counts = held.any(axis=2).sum(axis=1)
    squares = np.square(held.sum(axis=1), dtype=np.float64).sum(axis=1)
    own = np.square(held, dtype=np.float64).sum(axis=(1, 2))
    return 1.0 - quotient(squares - own, counts * (counts - 1))


# Each segment ends before the number; the last label is of what is beyond.
_HISTORY_ENDS = (1, 4, 10, 20, 50)
_HISTORY_LABELS = ("0", FEW, "4-9", "10-19", "20-49", "50+")
_AGE_ENDS = (30, 90, 365)
_AGE_LABELS = ("<30", "30-90", "90-365", "365+", UNTOUCHED)


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
        ages: days, shape (products,); NaN where nobody had touched it before the cut-off, so that
            it is new in the days that are tested. What came after the cut-off is the youngest.
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
