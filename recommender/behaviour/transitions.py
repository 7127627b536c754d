"""What follows what: from a product of a history to those that came next, with a direction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, vstack

from recommender.behaviour.interactions import Interactions, aged
from recommender.behaviour.neighbours import strongest

# What a transition counts by how many moments it reaches on: what comes third says less.
_BY_GAP = (1.0, 1 / 2, 1 / 3)
# Two products that came once each, one after the other, say little.
_FEW = 10.0
# More of one moment would cost with its square, and more of one user's past says little of order.
_MOST_AT_ONCE = 50
_MOST_OF_A_USER = 500
# So many pairs of products are held at once: some 250 MB.
_MOST_PAIRS = 20_000_000


@dataclass(frozen=True, slots=True)
class _Step:
    """Moments of users and what came so many moments later; both moments × products."""

    before: csr_array
    after: csr_array


def transitions(
    interactions: Interactions, *, half_life_days: float, clock: float, limit: int = 100
) -> csr_array:
    """How much one product leads to another, products × products, at most `limit` a row; float32.

    Row a, column b: n(a→b) ÷ √((n(a→·) + 10) · (n(·→b) + 10)), where n counts how often b came
    one, two or three moments after a in a user's history, at 1, ½ and ⅓. What is of one moment,
    such as a basket, has no order and so leads to nothing in it; a pair of moments of a and b
    products counts 1 ÷ √(a · b) for each pair of these. Empty where no user has a second moment.
    Old transitions count less, as `aged` has it: seasons and catalogs change.

    A first-order Markov chain over items, as in FPMC (Rendle et al. 2010), smoothed by skipping
    (Shani, Heckerman & Brafman 2005). Of a user the latest 500 events count, of a moment a random
    50 products.

    Args:
        half_life_days: after so many days a transition counts half, but never less than a quarter.
        clock: the time ages are counted to, in seconds since 1970.
    """
    steps = list(_steps(interactions.positive(), half_life_days, clock))
    size = interactions.n_products
    leads = sum((step.before.T @ _totals(step.after) for step in steps), np.zeros(size))
    follows = sum((step.after.T @ _totals(step.before) for step in steps), np.zeros(size))
    parts = [
        strongest(_scores(steps, rows, leads, follows), limit) for rows in _blocks(steps, size)
    ]
    matrix = vstack(parts, format="csr") if parts else csr_array((size, size))
    return csr_array(matrix, dtype=np.float32)


def _steps(positive: Interactions, half_life_days: float, clock: float) -> Iterator[_Step]:
    """The steps by each gap that any user took."""
    moments, users, times = _moments(positive)
    shares = aged(np.ones(len(times)), times, half_life_days, clock)
    for gap, weight in enumerate(_BY_GAP, start=1):
        first = np.flatnonzero(users[:-gap] == users[gap:])
        if len(first):
            counts = diags_array(weight * shares[first + gap])
            yield _Step(csr_array(counts @ moments[first]), csr_array(moments[first + gap]))


def _moments(
    positive: Interactions,
) -> tuple[csr_array, NDArray[np.int32], NDArray[np.float64]]:
    """Each user's moments in their order, moments × products, whose each is, and its time.

    A row is of length 1, so that a step counts as the root of how many pairs it is.
    """
    order = np.lexsort((positive.products, positive.times, positive.users))
    users, times = positive.users[order], positive.times[order]
    starts = (np.diff(users, prepend=-1) != 0) | (np.diff(times, prepend=np.nan) != 0)
    ends = np.searchsorted(users, users, side="right")
    kept = ends - np.arange(len(users)) <= _MOST_OF_A_USER
    kept &= _places_at_random(np.cumsum(starts)) < _MOST_AT_ONCE
    _, first, rows = np.unique(np.cumsum(starts)[kept], return_index=True, return_inverse=True)
    places = (rows, positive.products[order][kept])
    matrix = csr_array(
        (np.ones(len(rows)), places), shape=(len(first), positive.n_products), dtype=np.float64
    )
    matrix.sum_duplicates()
    matrix.data = np.repeat(np.diff(matrix.indptr) ** -0.5, np.diff(matrix.indptr))
    return matrix, users[kept][first], times[kept][first]


def _places_at_random(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each its place within its group, drawn by a fixed seed; groups are in order."""
    order = np.lexsort((np.random.default_rng(1).random(len(groups)), groups))
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - np.searchsorted(groups, groups, side="left")
    return places


def _totals(moments: csr_array) -> NDArray[np.float64]:
    return np.asarray(moments.sum(axis=1), dtype=np.float64).ravel()


def _blocks(steps: Sequence[_Step], size: int) -> Iterator[slice]:
    """All products, so many at a time that their pairs fit."""
    pairs = np.zeros(size)
    for step in steps:
        indicator = csr_array(step.before.astype(bool), dtype=np.float64)
        pairs += indicator.T @ np.diff(step.after.indptr).astype(np.float64)
    numbers = np.cumsum(pairs) // _MOST_PAIRS
    for number in np.unique(numbers):
        start, end = np.searchsorted(numbers, [number, number + 1])
        yield slice(int(start), int(end))


def _scores(
    steps: Sequence[_Step], rows: slice, leads: NDArray[np.float64], follows: NDArray[np.float64]
) -> csr_array:
    """The scores of what these products lead to, themselves left out."""
    shape = (rows.stop - rows.start, len(leads))
    matrix = csr_array(shape, dtype=np.float64)
    for step in steps:
        matrix = matrix + csr_array(step.before[:, rows]).T @ step.after
    counts = csr_array(matrix).tocoo()
    sources = counts.row + rows.start
    data = counts.data / np.sqrt((leads[sources] + _FEW) * (follows[counts.col] + _FEW))
    kept = sources != counts.col
    return csr_array((data[kept], (counts.row[kept], counts.col[kept])), shape=shape)
