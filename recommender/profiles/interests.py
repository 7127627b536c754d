"""The maths of a profile. Pure numpy: history and vectors in, interest vectors out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour.interactions import SECONDS_A_DAY

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
