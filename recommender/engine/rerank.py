"""From scores to a list: what each candidate is worth beside the others that are listed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.candidates import Candidates

Floats = NDArray[np.float64]

# Functions of candidates and their scores, shape (candidates,), that return scores; each takes
# what the one before returns. −∞ takes a candidate off the list.
RERANKERS: list[Callable[[Candidates, Floats], Floats]] = []


def rerank(candidates: Candidates, scores: Floats, count: int) -> NDArray[np.int64]:
    """The rows of the best candidates by their reranked scores, best first and ties by row."""
    for reranker in RERANKERS:
        scores = reranker(candidates, scores)
    best = arrays.largest(scores, count)
    return best[np.isfinite(scores[best])]
