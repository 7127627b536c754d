"""A user's profile in a space. Pure numpy: the same code live, in batch and in replay."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour import interactions
from recommender.behaviour.fold_in import FoldIn
from recommender.behaviour.interactions import SECONDS_A_DAY, History

MAX_INTERESTS = 5
# A further interest must explain at least this share of the history that is left unexplained.
_WORTHWHILE = 0.1
_SHORT_TERM_DECAY = 0.7
SHORT_TERM_PRODUCTS = 10


@dataclass(frozen=True, slots=True)
class Interest:
    """A cluster of the history, stood for by its most typical product."""

    medoid: int  # a position in the vectors it was made from
    weight: float  # share of the history's weight, 0 to 1


def decayed(
    weights: NDArray[np.float64], times: NDArray[np.float64], half_life_days: float
) -> NDArray[np.float64]:
    """Event weights halved for every half-life before the newest event; shape (events,).

    Relative to the newest event and not to now: time alone scales all alike and so changes no
    profile, which is why a stored one stays right until the next event.
    """
    if not len(times):
        return weights
    ages = (times.max() - times) / SECONDS_A_DAY
    result: NDArray[np.float64] = weights * 0.5 ** (ages / half_life_days)
    return result


def interests(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], limit: int = MAX_INTERESTS
) -> list[Interest]:
    """Up to `limit` medoids that together stand for the history, heaviest first.

    Greedy facility location: each step takes the product that adds most to
    Σ weightᵢ · max(similarity of i to a medoid), which is within 1 − 1/e of the best choice
    (Nemhauser, Wolsey & Fisher 1978). Medoids and not means, as the mean of tea and tents is
    neither (PinnerSage, Pal et al. 2020).

    Args:
        vectors: unit rows, shape (products, dimension).
        weights: positive, shape (products,).
    """
    if not len(vectors):
        return []
    similarity = np.clip(vectors @ vectors.T, 0.0, 1.0)
    covered = np.zeros(len(vectors))
    medoids: list[int] = []
    total = float(weights.sum())
    for _ in range(min(limit, len(vectors))):
        gains = weights @ np.maximum(similarity - covered[:, None], 0.0)
        best = int(gains.argmax())
        unexplained = total - float(weights @ covered)
        if medoids and gains[best] < _WORTHWHILE * max(unexplained, 0.1 * total):
            break
        medoids.append(best)
        covered = np.maximum(covered, similarity[:, best])
    nearest = similarity[:, medoids].argmax(axis=1)
    shares = np.bincount(nearest, weights=weights, minlength=len(medoids)) / total
    weighted = [Interest(m, float(s)) for m, s in zip(medoids, shares, strict=True) if s > 0]
    return sorted(weighted, key=lambda interest: -interest.weight)


def short_term(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the latest products, each 0.7 of the one after it; shape (dimension,), unit length.

    Args:
        vectors: unit rows of distinct products, newest first, shape (products, dimension), at
            least one.
    """
    latest = vectors[:SHORT_TERM_PRODUCTS]
    mean = (_SHORT_TERM_DECAY ** np.arange(len(latest))) @ latest
    length = float(np.linalg.norm(mean))
    # Opposite products can cancel out; the newest alone then says what is wanted now.
    unit = mean / length if length > 1e-6 else latest[0]
    return np.asarray(unit, dtype=np.float32)


def latest_distinct(product_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distinct products of a newest-first history, newest first."""
    _, first = np.unique(product_ids, return_index=True)
    return product_ids[np.sort(first)]


Vectors = NDArray[np.float32]

INTEREST: Literal["interest"] = "interest"
SHORT_TERM: Literal["short_term"] = "short_term"
LAST: Literal["last"] = "last"
LONG_TERM: Literal["long_term"] = "long_term"
NEGATIVE: Literal["negative"] = "negative"

# A sum of directions this short has no direction of its own.
_CANCELLED = 1e-6


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One vector of a profile and the product of the history it speaks for.

    Of unit length, but for a long-term factor, which is as the space's training makes it.
    """

    kind: str  # of ProfileVector.Kind
    position: int
    weight: float
    product_id: int
    vector: Vectors


@dataclass(frozen=True, slots=True)
class _Products:
    """The distinct products of a history that have a vector, in the order of their ids."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float64]  # the decayed sum over the product's events; shape (products,)
    vectors: Vectors  # as stored; shape (products, dimension)
    liked: NDArray[np.intp]  # places of those with a positive weight
    latest: NDArray[np.intp]  # the same, the one of the newest positive event first


def profile(
    history: History,
    known: NDArray[np.int64],
    vectors: Vectors,
    *,
    metric: str,
    half_life_days: float,
    fold_in: FoldIn | None = None,
) -> list[ProfileRow]:
    """The query vectors of a user in a space; none where they like nothing that has a vector.

    Interests are medoids with weights that sum to one, heaviest first; a space whose metric is the
    inner product has none, as a long vector there says "popular" and not "typical". The short-term
    vector, the last product and the negative one, the direction of all that was refused, are of
    unit length. The long-term factor is there where the space has a fold-in. A product counts as
    liked or refused by the sum of its events' weights, so that none is both.

    The order of events of one moment does not matter, nor, up to rounding, when "now" is.

    Args:
        known: ids of products that have a vector, ascending; shape (n,). There may be more than
            those of the history.
        vectors: of these products, as the space stores them; shape (n, dimension).
        metric: of Space.Metric.
        fold_in: of a trained space.
    """
    products = _products(history, known, vectors, half_life_days)
    if products is None or not len(products.liked):
        return []
    if metric == "cosine":
        units = products.vectors
        rows = [*_interests(products, units), *_recent(products, units)]
    else:
        units = _units(products.vectors)
        rows = _recent(products, units)
    if fold_in is not None:
        rows += _long_term(history, products, fold_in, half_life_days)
    return rows + _negative(products, units)


def _products(
    history: History, known: NDArray[np.int64], vectors: Vectors, half_life_days: float
) -> _Products | None:
    """What is known of the history; None where that is nothing."""
    if not len(known) or not len(history.product_ids):
        return None
    weights = decayed(history.weights, history.times, half_life_days)
    places = np.minimum(np.searchsorted(known, history.product_ids), len(known) - 1)
    has_vector = known[places] == history.product_ids
    if not has_vector.any():
        return None
    distinct, product = np.unique(places[has_vector], return_inverse=True)
    weights, times = weights[has_vector], history.times[has_vector]
    sums = np.bincount(product, weights=weights, minlength=len(distinct)).astype(np.float64)
    return _Products(
        ids=known[distinct],
        weights=sums,
        vectors=vectors[distinct],
        liked=np.flatnonzero(sums > 0),
        latest=_latest(product, weights, times, sums),
    )


def _latest(
    product: NDArray[np.intp],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> NDArray[np.intp]:
    """The liked products by their newest positive event; of one moment the heaviest is first."""
    order = np.lexsort((product, -weights, -times))
    order = order[(weights[order] > 0) & (sums[product[order]] > 0)]
    return latest_distinct(product[order])


def _units(vectors: Vectors) -> Vectors:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def _interests(products: _Products, units: Vectors) -> list[ProfileRow]:
    rows, ids = units[products.liked], products.ids[products.liked]
    chosen = interests(rows, products.weights[products.liked])
    return [
        ProfileRow(
            INTEREST, place, interest.weight, int(ids[interest.medoid]), rows[interest.medoid]
        )
        for place, interest in enumerate(chosen)
    ]


def _recent(products: _Products, units: Vectors) -> list[ProfileRow]:
    """What the user wants now: the mean of the latest products, and the last one alone."""
    last = int(products.ids[products.latest[0]])
    latest = units[products.latest[:SHORT_TERM_PRODUCTS]]
    return [
        ProfileRow(SHORT_TERM, 0, 1.0, last, short_term(latest)),
        ProfileRow(LAST, 0, 1.0, last, latest[0]),
    ]


def _long_term(
    history: History, products: _Products, fold_in: FoldIn, half_life_days: float
) -> list[ProfileRow]:
    """The factor that training would give this user, from the products as they are stored."""
    now = float(history.times.max())
    weights = interactions.aged(history.weights, history.times, half_life_days, now)
    places = np.minimum(np.searchsorted(products.ids, history.product_ids), len(products.ids) - 1)
    known = products.ids[places] == history.product_ids
    sums = np.bincount(places[known], weights=weights[known], minlength=len(products.ids))
    # Training lets old events fade less: by it what is liked here may be refused.
    liked = products.liked[sums[products.liked] > 0]
    factor = fold_in.factor(products.vectors[liked], sums[liked])
    if not factor.any():
        return []
    heaviest = int(products.ids[liked[sums[liked].argmax()]])
    return [ProfileRow(LONG_TERM, 0, 1.0, heaviest, factor)]


def _negative(products: _Products, units: Vectors) -> list[ProfileRow]:
    """The mean direction of what was refused: Rocchio's negative feedback (1971)."""
    refused = np.flatnonzero(products.weights < 0)
    if not len(refused):
        return []
    weights = -products.weights[refused]
    heaviest = int(refused[weights.argmax()])
    mean = weights @ units[refused]
    length = float(np.linalg.norm(mean))
    # Opposite products can cancel out; the one refused most then stands for all.
    unit = mean / length if length > _CANCELLED * weights.sum() else units[heaviest]
    vector = np.asarray(unit, dtype=np.float32)
    return [ProfileRow(NEGATIVE, 0, 1.0, int(products.ids[heaviest]), vector)]
