"""What a learnt ranker reads of candidates: how they stand in their request, and features."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import within_request
from recommender.ranking.table import CandidateTable, Columns

_RANK = "#rank"
# Softer than fusion's 60: the ranker learns how much the first places are worth.
_RANK_OFFSET = 10

Places = NDArray[np.intp]


def names(columns: Columns) -> tuple[str, ...]:
    """What a ranker may read: of each score its standing and its rank, then the features."""
    ranks = (name + _RANK for name in columns.scores)
    return (*columns.scores, *ranks, *columns.features)


def matrix(table: CandidateTable, wanted: Sequence[str]) -> NDArray[np.float32]:
    """The named inputs of a ranker, shape (candidates, inputs).

    A score is its z-score within the request, 0 where it says the same of all; its rank is
    1 / (10 + place), the best at 0, and 0 where it says nothing. Features are as they are, NaN
    where unknown. What the table does not have is 0: a ranker outlives the spaces that it learnt
    from.
    """
    used = _used(table.columns, tuple(wanted))
    # Rows by input, turned at the end: each input is written in one stretch of memory.
    result = np.zeros((len(wanted), len(table.products)), dtype=np.float32)
    result[used.to_feature] = table.values[used.feature]
    scores = table.values[used.score]
    # One request after the other, live as in training: the same numbers, within the cache.
    for rows in within_request.requests(table.sizes):
        if rows.start == rows.stop or not len(used.score):
            continue
        of_request = np.ascontiguousarray(scores[:, rows])
        result[used.to_standing, rows] = within_request.standardised(of_request)[used.standing]
        result[used.to_rank, rows] = within_request.reciprocals(of_request, _RANK_OFFSET)[used.rank]
    return np.ascontiguousarray(result.T)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """Which columns of a table a ranker reads, and where each goes."""

    feature: Places  # of the table
    to_feature: Places  # of the result
    score: Places  # of the table: those read in one way or the other
    standing: Places  # among `score`
    to_standing: Places
    rank: Places  # among `score`
    to_rank: Places


@lru_cache(maxsize=1000)
def _used(columns: Columns, wanted: tuple[str, ...]) -> _Used:
    to = {name: place for place, name in enumerate(wanted)}
    features = [name for name in columns.features if name in to]
    scores = [name for name in columns.scores if name in to or name + _RANK in to]
    standings = [name for name in scores if name in to]
    ranks = [name for name in scores if name + _RANK in to]
    return _Used(
        feature=_places(columns.places[name] for name in features),
        to_feature=_places(to[name] for name in features),
        score=_places(columns.places[name] for name in scores),
        standing=_places(scores.index(name) for name in standings),
        to_standing=_places(to[name] for name in standings),
        rank=_places(scores.index(name) for name in ranks),
        to_rank=_places(to[name + _RANK] for name in ranks),
    )


def _places(places: Iterable[int]) -> Places:
    return np.fromiter(places, dtype=np.intp)
