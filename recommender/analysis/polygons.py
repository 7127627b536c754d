"""Which points a line drawn around them encloses."""

import numpy as np
from numpy.typing import NDArray


def inside(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points, shape (n, 2), are in a polygon, by the even-odd rule; shape (n,).

    A ray to the right crosses its edges an odd number of times (Shimrat 1962). Whether a point
    that is on an edge is inside is not said.
    """
    x, y = points[:, 0], points[:, 1]
    result = np.zeros(len(points), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        result ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return result
