"""One set of candidates from the lists of all sources."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.ranking.ranker import reciprocal_rank


def fuse(
    lists: Sequence[NDArray[np.int64]], excluded: NDArray[np.int64], limit: int | None
) -> NDArray[np.int64]:
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009): those proposed most and highest.

    Args:
        lists: of distinct keys each, best first.
        excluded: keys that must not be among them, ascending.
        limit: how many; None for all.

    Returns:
        Distinct keys, ascending.
    """
    if not lists:
        return np.zeros(0, dtype=np.int64)
    products, places = arrays.distinct(np.concatenate(lists))
    _, is_excluded = arrays.sorted_places(excluded, products)
    kept = np.flatnonzero(~is_excluded)
    if limit is not None and len(kept) > limit:
        worth = np.array([reciprocal_rank(1 + place) for place in range(max(map(len, lists)))])
        sums = np.bincount(places, np.concatenate([worth[: len(keys)] for keys in lists]))
        kept = np.sort(kept[arrays.largest(sums[kept].astype(np.float64), limit)])
    return products[kept]
