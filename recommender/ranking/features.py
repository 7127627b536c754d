"""What a learnt ranker reads of candidates, and the labelled examples that it learns from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.table import CandidateTable, Columns

# Below this share of the mean, a spread is the rounding of a sum and no difference.
_ROUNDING = 1e-12


def requests(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """The rows of each request, one request after the other."""
    end = 0
    for size in sizes.tolist():
        end += size
        yield slice(end - size, end)


def order(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows of one request by each channel, best first and ties by row.

    A stable argsort, four times as fast: a float's bits, turned, sort as an integer does; with the
    row in the lower half no two are equal, and numpy sorts whole integers by vector instructions.

    Args:
        scores: shape (channels, candidates), without NaN.

    Returns:
        Rows from 0, shape (channels, candidates).
    """
    bits = (scores + np.float32(0)).view(np.int32)  # −0 becomes 0: they tie
    ascending = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = ((~ascending).astype(np.int64) << 32) | np.arange(scores.shape[-1])
    keys.sort(axis=-1)
    return keys & 0xFFFFFFFF


def reciprocals(scores: NDArray[np.float32], offset: int) -> NDArray[np.float32]:
    """1 / (offset + place) by each channel of one request, the best at 0; 0 where a score is 0.

    Args:
        scores: shape (channels, candidates); 0 where a channel has nothing to say.

    Returns:
        Shape (channels, candidates).
    """
    result = np.empty_like(scores)
    channels = np.arange(len(scores))[:, None]
    result[channels, order(scores)] = 1 / (offset + np.arange(scores.shape[-1], dtype=np.float32))
    result[scores == 0] = 0
    return result


def standardised(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """z-scores by each channel of one request; 0 where all candidates score alike.

    Args:
        scores: shape (channels, candidates), at least one candidate.
    """
    # Twice the digits, so that the mean of equal numbers is that number and their spread is 0.
    centred = scores.astype(np.float64)
    centred -= centred.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / scores.shape[-1])
    centred /= np.where(spread > 0, spread, 1.0)[:, None]
    return centred


def moments(
    values: NDArray[np.float64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each candidate, its request's mean and standard deviation; shape (candidates,) each.

    The deviation is infinite where all are alike, so that dividing by it gives 0.
    """
    owners = np.repeat(np.arange(len(sizes)), sizes)
    counts = np.maximum(sizes, 1)
    means = np.bincount(owners, weights=values, minlength=len(sizes)) / counts
    squares = np.bincount(owners, weights=(values - means[owners]) ** 2, minlength=len(sizes))
    spread = np.sqrt(squares / counts)
    spread[spread <= _ROUNDING * np.abs(means)] = np.inf
    return means[owners], spread[owners]


_RANK = "#rank"
# Softer than fusion's 60: the ranker learns how much the first places are worth.
_RANK_OFFSET = 10

Places = NDArray[np.intp]


def names(columns: Columns) -> tuple[str, ...]:
    """What a ranker may read: of each score its z-score and its rank, then the features."""
    ranks = (name + _RANK for name in columns.scores)
    return (*columns.scores, *ranks, *columns.features)


def matrix(table: CandidateTable, feature_names: Sequence[str]) -> NDArray[np.float32]:
    """The named inputs of a ranker, shape (candidates, inputs).

    A score is its z-score within the request, 0 where it says the same of all; its rank is
    1 / (10 + place), the best at 0, and 0 where it says nothing. Features are as they are, NaN
    where unknown. What the table does not have is 0: a ranker outlives the spaces that it learnt
    from.
    """
    used = _used(table.columns, tuple(feature_names))
    # Rows by input, turned at the end: each input is written in one stretch of memory.
    result = np.zeros((len(feature_names), len(table.products)), dtype=np.float32)
    result[used.to_feature] = table.values[used.feature]
    scores = table.values[used.score]
    # One request after the other, live as in training: the same numbers, within the cache.
    for rows in requests(table.sizes):
        if rows.start == rows.stop or not len(used.score):
            continue
        of_request = np.ascontiguousarray(scores[:, rows])
        result[used.to_z_score, rows] = standardised(of_request)[used.z_score]
        result[used.to_rank, rows] = reciprocals(of_request, _RANK_OFFSET)[used.rank]
    return np.ascontiguousarray(result.T)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """Which columns of a table a ranker reads, and where each goes."""

    feature: Places  # of the table
    to_feature: Places  # of the result
    score: Places  # of the table: those read in one way or the other
    z_score: Places  # among `score`
    to_z_score: Places
    rank: Places  # among `score`
    to_rank: Places


@lru_cache(maxsize=1000)
def _used(columns: Columns, feature_names: tuple[str, ...]) -> _Used:
    to = {name: place for place, name in enumerate(feature_names)}
    features = [name for name in columns.features if name in to]
    scores = [name for name in columns.scores if name in to or name + _RANK in to]
    z_scores = [name for name in scores if name in to]
    ranks = [name for name in scores if name + _RANK in to]
    return _Used(
        feature=_places(columns.places[name] for name in features),
        to_feature=_places(to[name] for name in features),
        score=_places(columns.places[name] for name in scores),
        z_score=_places(scores.index(name) for name in z_scores),
        to_z_score=_places(to[name] for name in z_scores),
        rank=_places(scores.index(name) for name in ranks),
        to_rank=_places(to[name + _RANK] for name in ranks),
    )


def _places(places: Iterable[int]) -> Places:
    return np.fromiter(places, dtype=np.intp)


class TooFewExamples(Exception):  # noqa: N818 - the name says that more of them will do
    """There is too little to learn a rank from; reciprocal-rank fusion needs nothing."""


# Fewer than these lists would be learnt by heart.
_FEWEST_REQUESTS = 50
# Of a request, more irrelevant candidates add time and no knowledge.
_MOST_IRRELEVANT = 100
_SEED = 20


@dataclass(frozen=True, slots=True)
class Examples:
    """The candidates of requests as of one split, and which of them were relevant."""

    table: CandidateTable
    labels: NDArray[np.int8]  # 1 if relevant, else 0; shape (candidates,)

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.table.products):
            raise ValueError(
                f"There are {len(self.labels)} labels for {len(self.table.products)} candidates; "
                "give one for each."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Features and labels of the candidates that are learnt from, one request after the other."""

    names: tuple[str, ...]
    features: NDArray[np.float32]  # shape (candidates, features); NaN where unknown
    labels: NDArray[np.int8]  # shape (candidates,)
    sizes: NDArray[np.int64]  # shape (requests,)


def sample(splits: Sequence[Examples]) -> Sample:
    """All relevant candidates and up to 100 others of each request that has any.

    The same examples give the same sample. Features are those within all of the request, so that
    they mean what they mean when it is ranked.

    Raises:
        TooFewExamples: fewer than 50 requests had a relevant candidate.
    """
    every = tuple(dict.fromkeys(name for split in splits for name in names(split.table.columns)))
    random = np.random.default_rng(_SEED)
    drawn = [part for split in splits for part in _drawn(split, every, random)]
    if len(drawn) < _FEWEST_REQUESTS:
        raise TooFewExamples(
            f"Only {len(drawn)} lists held a product that its user then chose; learning a rank "
            f"takes {_FEWEST_REQUESTS}. Train again when there is more history; until then "
            "reciprocal-rank fusion ranks."
        )
    return Sample(
        names=every,
        features=np.concatenate([matrix for matrix, _ in drawn]),
        labels=np.concatenate([labels for _, labels in drawn]),
        sizes=np.array([len(labels) for _, labels in drawn]),
    )


def _drawn(
    examples: Examples, wanted: tuple[str, ...], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int8]]]:
    """Features and labels of what is drawn of each request that has a relevant candidate."""
    for rows in requests(examples.table.sizes):
        labels = examples.labels[rows]
        if not labels.any():
            continue
        kept = labels > 0
        irrelevant = np.flatnonzero(~kept)
        kept[random.permutation(irrelevant)[:_MOST_IRRELEVANT]] = True
        yield matrix(examples.table.request(rows), wanted)[kept], labels[kept]
