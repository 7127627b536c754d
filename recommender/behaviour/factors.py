"""What a behaviour space learns: a vector for every user and every product."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour.fold_in import FoldIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Rows in the order of the matrix they were learnt from; zero where it had nothing."""

    users: NDArray[np.float32]  # shape (users, d)
    products: NDArray[np.float32]  # shape (products, d)
    fold_in: FoldIn


def dimension(wanted: int, shape: tuple[int, int]) -> int:
    """How many dimensions a matrix of this shape can fill, at least 1 and at most those wanted."""
    return max(1, min(wanted, *shape))
