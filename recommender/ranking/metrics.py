"""How accurate ranked lists are, and how sure a mean is. Numbers in, numbers out."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000
_SEED = 20
_CONFIDENCE = 95.0
# With fewer, one user more or less would decide.
MIN_USERS = 20
# What one chunk of resamples × values may hold: 32 MB of counts.
_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class ListMetrics:
    """The metrics of one list of length k, each 0 to 1."""

    ndcg: float
    recall: float
    mrr: float
    hit_rate: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The same of many lists, each of shape (lists,)."""

    ndcg: NDArray[np.float64]
    recall: NDArray[np.float64]
    mrr: NDArray[np.float64]
    hit_rate: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where 95 % of the means lie when other users like these are drawn."""

    mean: float
    low: float
    high: float


def list_metrics(listed: Sequence[str], relevant: Collection[str], k: int) -> ListMetrics:
    """The metrics of one list, as `accuracy` defines them.

    Args:
        listed: products, best first, no product twice.
        relevant: at least one product.
    """
    hits = np.zeros((1, k), dtype=bool)
    hits[0, : len(listed)] = [product in relevant for product in listed[:k]]
    measured = accuracy(hits, np.array([len(relevant)]))
    return ListMetrics(
        ndcg=float(measured.ndcg[0]),
        recall=float(measured.recall[0]),
        mrr=float(measured.mrr[0]),
        hit_rate=float(measured.hit_rate[0]),
    )


def accuracy(hits: NDArray[np.bool_], n_relevant: NDArray[np.int64]) -> Accuracy:
    """NDCG, recall, MRR and hit rate at k, of lists of k places.

    NDCG has binary gains (Järvelin & Kekäläinen 2002). Recall is of as many as a list of k can
    hold, so that 1 can be reached. MRR is 1 / the place of the first hit (Voorhees 1999), 0
    without one.

    Args:
        hits: which places hold a relevant product, best first, shape (lists, k).
        n_relevant: how many products are relevant, shape (lists,), each ≥ 1.
    """
    k = hits.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    most = np.minimum(n_relevant, k)
    n_hits = hits.sum(axis=1)
    is_hit = n_hits > 0
    return Accuracy(
        # Summed in the order of the ideal's sum, so that a perfect list has 1 to the last bit.
        ndcg=np.cumsum(hits * discounts, axis=1)[:, -1] / np.cumsum(discounts)[most - 1],
        recall=n_hits / most,
        mrr=np.where(is_hit, 1.0 / (1 + hits.argmax(axis=1)), 0.0),
        hit_rate=is_hit.astype(np.float64),
    )


def interval(values: NDArray[np.float64]) -> Interval:
    """The mean of the values, shape (n,), with its interval as `intervals` makes it.

    Raises:
        ValueError: none of them is a number.
    """
    (only,) = intervals(values[:, None])
    if only is None:
        raise ValueError("The mean needs at least one value that is a number.")
    return only


def intervals(values: NDArray[np.float64]) -> list[Interval | None]:
    """The mean of each column with its 95 % percentile bootstrap interval (Efron 1979).

    Rows are drawn, for all columns the same. NaN is no value: it is left out of the mean and of a
    resample's mean, and a column of nothing else has no interval. The same values give the same
    intervals.

    Args:
        values: shape (n, columns).
    """
    valued = np.isfinite(values)
    known = np.where(valued, values, 0.0)
    means = [
        quotient(draws @ known, draws @ valued.astype(np.float64))
        for draws in resamples(len(values))
    ]
    columns = zip(values.T, np.concatenate(means).T, strict=True) if means else ()
    return [_interval(column, resampled) for column, resampled in columns]


def resamples(n: int, width: int = 0) -> Iterator[NDArray[np.float64]]:
    """A thousand times n rows drawn with replacement, in chunks of bounded memory.

    Args:
        width: what the caller makes of one resample, where that is more than n numbers.

    Yields:
        How often each row was drawn, shape (resamples of the chunk, n). The same for the same n.
    """
    generator = np.random.default_rng(_SEED)
    step = max(1, _CHUNK_CELLS // max(n, width, 1))
    for start in range(0, _RESAMPLES, step):
        size = min(step, _RESAMPLES - start)
        rows = generator.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        drawn = np.bincount(rows.ravel(), minlength=size * n)
        yield drawn.reshape(size, n).astype(np.float64)


def middle(resampled: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the middle 95 % of resampled means."""
    tail = (100.0 - _CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100.0 - tail])
    return float(low), float(high)


def quotient(
    sums: NDArray[np.float64], counts: NDArray[np.float64] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """The means that sums of so many make, of one shape; NaN where it is of none."""
    means = np.full(np.shape(sums), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _interval(values: NDArray[np.float64], resampled: NDArray[np.float64]) -> Interval | None:
    if not np.isfinite(values).any():
        return None
    # A resample may hold none of the few rows that have a value, and then says nothing of them.
    low, high = middle(resampled[np.isfinite(resampled)])
    return Interval(float(np.nanmean(values)), low, high)
