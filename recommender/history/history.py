"""A user's history as arrays. Numbers in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# More of a user's latest events say nothing new about taste.
MAX_EVENTS = 500


@dataclass(frozen=True, slots=True)
class History:
    """A user's latest events that count, newest first; every array has shape (events,)."""

    product_ids: NDArray[np.int64]
    weights: NDArray[np.float64]  # negative where an event speaks against its product, never 0
    times: NDArray[np.float64]  # seconds since 1970
