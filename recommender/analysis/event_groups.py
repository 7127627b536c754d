"""Users who act together: rings that click the same products, and bursts on one product.

Rings are found as lockstep behaviour (Beutel et al., "CopyCatch", WWW 2013): users who did
something with the same products on the same days, far more than chance has it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from recommender.analysis.activity import Cells

Ints = NDArray[np.int64]

# Users must share so many products of days, and so much of all that both did.
_FEWEST_SHARED, _LEAST_JACCARD, _FEWEST_MEMBERS = 3, 0.5, 3
# What more users met on a day is popular, and says nothing.
MOST_MEETING = 200
# A burst: so many events of a product in a day, and so many times what is usual for it.
_FEWEST_IN_BURST, _TIMES_USUAL = 20, 10.0
# Of what is hardly ever met, a day's events come in ones.
_LEAST_EXPECTED = 0.5
# Who did hardly anything else is part of it.
_LEAST_PART = 0.8
_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Ring:
    """Users who act in lockstep."""

    users: tuple[int, ...]
    products: tuple[int, ...]  # that most of them share
    likeness: float  # the mean Jaccard similarity of those who are alike


@dataclass(frozen=True, slots=True)
class Burst:
    """A product's day with far more events than usual, and those who did little else."""

    product: int
    day: int
    events: int
    usual: float  # on other days
    users: tuple[int, ...]


def rings(cells: Cells) -> list[Ring]:
    """Groups of users in lockstep, the largest first."""
    users, rows = np.unique(cells.users, return_inverse=True)
    _, columns, meeting = np.unique(
        cells.products * (int(cells.days.max(initial=0)) + 1) + cells.days,
        return_inverse=True,
        return_counts=True,
    )
    is_telling = (meeting >= _FEWEST_MEMBERS) & (meeting <= MOST_MEETING)
    kept = is_telling[columns]
    shape = (len(users), len(meeting))
    met = sparse.csr_matrix((np.ones(kept.sum()), (rows[kept], columns[kept])), shape=shape)
    alike = _alike(met, np.bincount(rows, minlength=len(users)))
    count, labels = connected_components(alike, directed=False)
    sizes = np.bincount(labels, minlength=count)
    found = [
        _ring(np.flatnonzero(labels == label), users, alike, cells)
        for label in np.flatnonzero(sizes >= _FEWEST_MEMBERS)
    ]
    return sorted(found, key=lambda ring: -len(ring.users))


def _alike(met: sparse.csr_matrix, totals: Ints) -> sparse.csr_matrix:
    """The Jaccard similarity of users in lockstep; shape (users, users)."""
    parts = []
    for start in range(0, met.shape[0], _ROWS):
        shared = (met[start : start + _ROWS] @ met.T).tocoo()
        both = totals[shared.row + start] + totals[shared.col] - shared.data
        likeness = shared.data / both
        kept = (shared.data >= _FEWEST_SHARED) & (likeness >= _LEAST_JACCARD)
        kept &= shared.row + start != shared.col
        part = (likeness[kept], (shared.row[kept], shared.col[kept]))
        parts.append(sparse.csr_matrix(part, shape=shared.shape))
    return sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, 0))


def _ring(members: Ints, users: Ints, alike: sparse.csr_matrix, cells: Cells) -> Ring:
    own = cells.at(np.isin(cells.users, users[members]))
    pairs = np.unique(np.stack([own.products, own.users]), axis=1)
    products, shared = np.unique(pairs[0], return_counts=True)
    common = products[shared * 2 >= len(members)]
    likeness = alike[members][:, members].data.mean()
    return Ring(tuple(users[members].tolist()), tuple(common.tolist()), float(likeness))


def bursts(cells: Cells) -> list[Burst]:
    """Days of products with far more events than usual, the farthest first."""
    if not len(cells):
        return []
    pairs, places = np.unique(np.stack([cells.products, cells.days]), axis=1, return_inverse=True)
    events = np.bincount(places.ravel(), cells.events).astype(np.float64)
    usual, expected = _usual(pairs, events, cells)
    is_far = (events >= _FEWEST_IN_BURST) & (events >= _TIMES_USUAL * expected)
    # Of each burst those who did little else.
    rows = np.flatnonzero(is_far[places.ravel()] & _did_little_else(cells))
    of_burst = places.ravel()[rows]
    return [
        Burst(
            product=int(pairs[0, place]),
            day=int(pairs[1, place]),
            events=int(events[place]),
            usual=float(usual[place]),
            users=tuple(np.unique(cells.users[rows[of_burst == place]]).tolist()),
        )
        for place in sorted(set(of_burst.tolist()), key=lambda at: -events[at] / expected[at])
    ]


def _usual(
    pairs: Ints, events: NDArray[np.float64], cells: Cells
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Events of each product on its other days, and what is expected as busy as the day was."""
    first = int(cells.days.min())
    days = int(cells.days.max()) - first + 1
    _, of_product = np.unique(pairs[0], return_inverse=True)
    usual = (np.bincount(of_product, events)[of_product] - events) / max(days - 1, 1)
    by_day = np.bincount(cells.days - first, cells.events, days)
    busy = (by_day[pairs[1] - first] - events) / max(float(by_day.mean()), 1.0)
    return usual, np.maximum(usual * np.maximum(busy, 1.0), _LEAST_EXPECTED)


def _did_little_else(cells: Cells) -> NDArray[np.bool_]:
    """Whether a cell is nearly all of its user's history, without a purchase."""
    users, rows = np.unique(cells.users, return_inverse=True)
    events = np.bincount(rows, cells.events, len(users))
    bought = np.bincount(rows, cells.purchases, len(users))
    told: NDArray[np.bool_] = (cells.events >= _LEAST_PART * events[rows]) & (bought[rows] == 0)
    return told
