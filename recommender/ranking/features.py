"""What a learnt ranker reads of each candidate."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import standing
from recommender.ranking.pool import CandidatePool

_RANK = "#rank"
# Softer than fusion's 60: the ranker learns how much the first places are worth.
_RANK_OFFSET = 10


def names(pool: CandidatePool) -> tuple[str, ...]:
    """The features of a pool: of each channel its standing and its rank, then the facts."""
    ranks = (name + _RANK for name in pool.channels)
    return (*pool.channels, *ranks, *pool.facts)


def matrix(pool: CandidatePool, wanted: Sequence[str]) -> NDArray[np.float32]:
    """The named features, shape (candidates, features).

    A channel is its z-score within the request, 0 where it says the same of all; its rank is
    1 / (10 + place), the best at 0, and 0 where it says nothing. Facts are as they are, NaN where
    unknown. What the pool does not have is 0: a ranker outlives the spaces that it learnt from.
    """
    columns = {name: column for column, name in enumerate(wanted)}
    # Rows by feature, turned at the end: each feature is written in one stretch of memory.
    result = np.zeros((len(wanted), len(pool.products)), dtype=np.float32)
    for name in columns.keys() & pool.facts.keys():
        result[columns[name]] = pool.facts[name]
    channels = [name for name in pool.channels if name in columns or name + _RANK in columns]
    if channels:
        _write_channels(result, columns, channels, pool)
    return np.ascontiguousarray(result.T)


def _write_channels(
    result: NDArray[np.float32],
    columns: dict[str, int],
    channels: list[str],
    pool: CandidatePool,
) -> None:
    scores = np.stack([pool.channels[name] for name in channels])
    scored = [row for row, name in enumerate(channels) if name in columns]
    ranked = [row for row, name in enumerate(channels) if name + _RANK in columns]
    score_columns = [columns[channels[row]] for row in scored]
    rank_columns = [columns[channels[row] + _RANK] for row in ranked]
    # One request after the other, live as in training: the same numbers, within the cache.
    for rows in standing.requests(pool.sizes):
        if rows.start == rows.stop:
            continue
        of_request = np.ascontiguousarray(scores[:, rows])
        result[score_columns, rows] = standing.standardised(of_request)[scored]
        result[rank_columns, rows] = standing.reciprocals(of_request, _RANK_OFFSET)[ranked]
