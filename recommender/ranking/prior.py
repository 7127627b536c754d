"""What a learnt rank holds to be so before it has learnt anything: dislikes speak against."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.features import Sample

# How much a candidate is like what the user turned down, from 0 to 1.
REFUSED = "refused:likeness"

# The log-odds at full likeness where no example tells: one choice where there were fifty.
_SLOPE = -4.0
# So many lists of users who turned something down tell as much as is held before.
_TELLING = 200.0


def slopes(sample: Sample) -> NDArray[np.float64]:
    """What a score gains for each unit of a feature before anything is learnt; shape (features,).

    The more lists there are of users who turned something down, the less of it is left.
    """
    result = np.zeros(len(sample.names))
    if REFUSED in sample.names:
        place = sample.names.index(REFUSED)
        starts = np.cumsum(sample.sizes) - sample.sizes
        told = np.maximum.reduceat(sample.features[:, place], starts) > 0
        result[place] = _SLOPE * _TELLING / (_TELLING + told.sum())
    return result


def scores(held: NDArray[np.float64], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """What candidates have by it, shape (candidates,).

    Args:
        held: as `slopes` gives them.
        features: shape (candidates, features); NaN where nothing is held of a feature.
    """
    told = np.flatnonzero(held)
    return features[:, told].astype(np.float64) @ held[told]


def directions(names: Sequence[str]) -> list[int]:
    """−1 for a feature of which more never raises a score, 0 for one that may do either."""
    return [-1 if name == REFUSED else 0 for name in names]
