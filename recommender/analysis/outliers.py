"""Rows of numbers that are unlike the others, and the columns that make them so.

The score is the mean distance to the nearest rows of a sample (Sugiyama and Borgwardt, "Rapid
distance-based outlier detection via sampling", NeurIPS 2013), each column scaled by median and
median deviation, far values drawn in. In trials with two planted columns of thirty it ranked far
better than an isolation forest. The threshold takes the logarithms of usual scores as normally
distributed and reads that off their median and upper tenth, which outliers do not move.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.analysis import tails

Floats = NDArray[np.float64]

# Of fewer rows it cannot be told what is usual.
FEWEST_ROWS = 20
# Rows that the others are compared with, and how many of them at a time.
_SAMPLE, _CHUNK = 2_000, 2_000
_UPPER = 0.9
_SEED = 22
_ROUNDING = 1e-6
# From a median deviation to the standard deviation of what is normally distributed.
_NORMAL = 1.4826


class OutliersError(ValueError):
    """The rows cannot be compared; the message says why."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a row's distance is of a column."""

    column: int
    share: float
    usual: float  # the median of the nearest rows


@dataclass(frozen=True, slots=True)
class Outliers:
    """How unlike the others each row is."""

    scores: Floats  # (rows,); 1 is the threshold
    constant: list[int]  # columns that say nothing
    _scaled: Floats
    _rows: Floats
    _sample: NDArray[np.int64]

    @property
    def odd(self) -> NDArray[np.int64]:
        """The rows above the threshold, the most unlike first."""
        above = np.flatnonzero(self.scores > 1)
        return above[np.argsort(-self.scores[above], kind="stable")]

    def columns(self, row: int, most: int = 3) -> list[Share]:
        """What made a row odd: the columns in which it differs from the nearest rows."""
        others = self._sample[self._sample != row]
        squares = (self._scaled[others] - self._scaled[row]) ** 2
        nearest = np.argsort(squares.sum(axis=1), kind="stable")[: _neighbours(len(others))]
        by_column = squares[nearest].mean(axis=0)
        usual = np.median(self._rows[others[nearest]], axis=0)
        total = max(float(by_column.sum()), np.finfo(float).tiny)
        order = np.argsort(-by_column, kind="stable")[:most]
        shares = (Share(int(at), float(by_column[at]) / total, float(usual[at])) for at in order)
        return [one for one in shares if one.share >= 0.05]


def find(rows: Floats, false_alarms: float = 0.01) -> Outliers:
    """Score rows.

    Args:
        rows: shape (rows, columns), finite, at least 20 rows.
        false_alarms: the share of usual rows that may be above the threshold.

    Raises:
        OutliersError: there are fewer rows, or all are equal.
    """
    if len(rows) < FEWEST_ROWS:
        raise OutliersError(
            f"There are {len(rows):,} rows; it takes {FEWEST_ROWS} to tell what is usual."
        )
    is_constant = (rows == rows[0]).all(axis=0)
    if is_constant.all():
        raise OutliersError("All rows are equal: none is unlike the others.")
    scaled = _scaled(rows)
    sample = np.sort(np.random.default_rng(_SEED).permutation(len(rows))[:_SAMPLE])
    distances = _distances(scaled, scaled[sample])
    # What is like a few others to the last digit is as near as can be.
    beyond_rounding = np.where(distances > _ROUNDING, distances, 0)
    limit = tails.threshold(beyond_rounding, false_alarms)
    scores = beyond_rounding / limit if np.isfinite(limit) else beyond_rounding
    return Outliers(scores, np.flatnonzero(is_constant).tolist(), scaled, rows, sample)


def _scaled(rows: Floats) -> Floats:
    """Columns with median 0 and a usual deviation of 1, as `arcsinh`: near 0 as they are."""
    middle = np.median(rows, axis=0)
    deviations = np.abs(rows - middle)
    spread = _NORMAL * np.median(deviations, axis=0)
    # Of a column that is mostly one value, what the others differ by counts.
    upper = np.quantile(deviations, _UPPER, axis=0)
    largest = deviations.max(axis=0)
    spread = np.where(spread > 0, spread, np.where(upper > 0, upper, largest))
    # What differs from the largest by more than double precision tells is nothing beside it.
    spread = np.maximum(spread, largest * 1e-15)
    scaled: Floats = np.arcsinh((rows - middle) / np.where(spread > 0, spread, 1))
    return scaled


def _distances(scaled: Floats, sample: Floats) -> Floats:
    """The mean distance of each row to the nearest of the sample, itself among them."""
    near = _neighbours(len(sample))
    parts = []
    lengths = (sample**2).sum(axis=1)
    for chunk in _chunks(scaled):
        squares = (chunk**2).sum(axis=1)[:, None] + lengths - 2 * chunk @ sample.T
        nearest = np.partition(squares, near - 1, axis=1)[:, :near]
        parts.append(np.sqrt(np.maximum(nearest, 0)).mean(axis=1))
    return np.concatenate(parts)


def _chunks(rows: Floats) -> Iterator[Floats]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _neighbours(rows: int) -> int:
    return min(rows, max(6, rows // 50))
