"""How many clusters there are: by silhouettes, and by whether halves of the rows agree.

The silhouette (Rousseeuw 1987) is of a sample. Stability is the adjusted Rand index (Hubert and
Arabie 1985) of what two disjoint halves make of the same rows: clusters that are there are found
by either (Ben-Hur, Elisseeff and Guyon 2002).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from recommender.analysis import clusters
from recommender.analysis.clusters import SEED
from recommender.analysis.nearest import Vectors

_SAMPLE = 12_000  # rows that clusters are fitted to
_JUDGED = 2_500  # rows whose silhouettes are measured
# Fewer rows a cluster tell nothing of it.
_LEAST_ROWS = 3
_MOST = 96


@dataclass(frozen=True, slots=True)
class Tried:
    """A number of clusters, and how good it is; both measures are 1 at best."""

    k: int
    silhouette: float
    stability: float

    @property
    def quality(self) -> float:
        """Both: well separated clusters that each half finds otherwise are none."""
        return self.silhouette * max(0.0, self.stability)


def choose(
    vectors: Vectors, tell: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[int, list[Tried]]:
    """The number of clusters that suits unit vectors best, and what was tried.

    Args:
        tell: is told how many numbers have been tried, of how many.

    Raises:
        ValueError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError("There are no clusters of fewer than two rows.")
    random = np.random.default_rng(SEED)
    sample = vectors[np.sort(random.permutation(len(vectors))[:_SAMPLE])]
    candidates = list(_candidates(len(sample)))
    if len(candidates) == 1:
        return candidates[0], []
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(1):
        tried = _try_all(sample, candidates, random, tell)
    return _best(tried).k, sorted(tried, key=lambda one: one.k)


def _try_all(
    sample: Vectors,
    candidates: Sequence[int],
    random: np.random.Generator,
    tell: Callable[[int, int], None],
) -> list[Tried]:
    tried: list[Tried] = []
    for done, k in enumerate(candidates):
        tell(done, len(candidates))
        tried.append(_try(sample, k, random))
    for k in _between(candidates, _best(tried).k):
        tell(len(candidates), len(candidates))
        tried.append(_try(sample, k, random))
    return tried


def _best(tried: Sequence[Tried]) -> Tried:
    return max(tried, key=lambda one: (one.quality, -one.k))


def _between(candidates: Sequence[int], best: int) -> list[int]:
    """Half-way from the best number to those on either side of it, where there is a way."""
    place = candidates.index(best)
    beside = [*candidates[max(0, place - 1) : place], *candidates[place + 1 : place + 2]]
    return [k for k in {(best + other) // 2 for other in beside} if k not in candidates]


def _candidates(rows: int) -> Iterator[int]:
    """2, 3, 4, 6, 8, 12, 16, 24, …, as far as there are rows for."""
    k = 2
    yield k
    for k in (3, 4, 6, 8, 12, 16, 24, 32, 48, 64, _MOST):
        if k * _LEAST_ROWS <= rows // 2:
            yield k


def _try(sample: Vectors, k: int, random: np.random.Generator) -> Tried:
    order = random.permutation(len(sample))
    half = len(sample) // 2
    judged = sample[order[:_JUDGED]]
    first, second = (
        clusters.assign(judged, clusters.fit(part, min(k, len(part)))).labels
        for part in (sample[order[:half]], sample[order[half:]])
    )
    different = len(np.unique(first))
    silhouette = 0.0
    if 2 <= different < len(judged):
        silhouette = float(silhouette_score(judged, first, metric="cosine"))
    return Tried(k, silhouette, float(adjusted_rand_score(first, second)))
