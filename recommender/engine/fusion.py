"""Which of the products that several lists propose become candidates. Numbers in, numbers out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.fusion import reciprocal_rank


def fuse(
    lists: Sequence[NDArray[np.int64]], excluded: NDArray[np.int64], limit: int | None
) -> NDArray[np.int64]:
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009): those proposed most and highest.

    Args:
        lists: of distinct keys each, best first.
        excluded: distinct keys that must not be among them.
        limit: how many; None for all.

    Returns:
        Distinct keys, ascending.
    """
    if not lists:
        return np.zeros(0, dtype=np.int64)
    products, places = np.unique(np.concatenate(lists), return_inverse=True)
    kept = np.flatnonzero(~np.isin(products, excluded, assume_unique=True))
    if limit is not None and len(kept) > limit:
        worth = [reciprocal_rank(1 + place) for place in range(max(map(len, lists)))]
        sums = np.bincount(places, np.concatenate([worth[: len(each)] for each in lists]))
        kept = np.sort(kept[np.argsort(-sums[kept], kind="stable")[:limit]])
    return products[kept]
