"""Clusters of unit vectors: k-means by cosine, in mini-batches (Sculley, WWW 2010)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from recommender.analysis.nearest import Vectors, units

_BATCH = 4096
_BLOCK = 20_000  # rows that are compared with all centroids at once
_ROUNDS = 30
_STARTS = 3
SEED = 7

# With fewer clusters a second level tells nothing.
_LEAST_FOR_SECTIONS = 6


@dataclass(frozen=True, slots=True)
class Assignment:
    """Each row's cluster, and how near it is to that cluster's centroid and to the next one's."""

    labels: NDArray[np.int32]  # (n,)
    nearness: NDArray[np.float32]  # (n,), cosine similarity
    others: NDArray[np.int32]  # (n,), the cluster that is next nearest; −1 where there is one
    margins: NDArray[np.float32]  # (n,), how much nearer the own one is


def fit(vectors: Vectors, k: int, seed: int = SEED) -> Vectors:
    """Centroids of unit length, shape (at most k, dimension), the one with most rows first.

    Fewer than k where fewer rows are distinct. Among unit vectors the nearest by Euclid is the
    nearest by cosine, so k-means needs no other distance.

    Raises:
        ValueError: there are fewer than k vectors, or numbers that are none.
    """
    model = MiniBatchKMeans(
        k,
        batch_size=_BATCH,
        n_init=_STARTS,
        random_state=seed,
        max_iter=_ROUNDS,
        compute_labels=False,
    )
    # Batches are small: threads would wait for each other longer than they work.
    with threadpool_limits(1):
        centroids = model.fit(vectors).cluster_centers_.astype(np.float32)
    centroids = centroids[np.linalg.norm(centroids, axis=1) > 1e-6]
    sizes = np.bincount(assign(vectors, units(centroids)).labels, minlength=len(centroids))
    order = np.argsort(-sizes, kind="stable")
    largest_first: Vectors = centroids[order[sizes[order] > 0]]
    return largest_first


def assign(vectors: Vectors, centroids: Vectors) -> Assignment:
    """The nearest centroid of each vector; both of unit length."""
    labels = np.empty(len(vectors), dtype=np.int32)
    others = np.full(len(vectors), -1, dtype=np.int32)
    nearness = np.empty(len(vectors), dtype=np.float32)
    margins = np.zeros(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        similarity = vectors[part] @ centroids.T
        rows = np.arange(len(similarity))
        labels[part] = similarity.argmax(axis=1)
        nearness[part] = similarity[rows, labels[part]]
        if len(centroids) > 1:
            similarity[rows, labels[part]] = -np.inf
            others[part] = similarity.argmax(axis=1)
            margins[part] = nearness[part] - similarity[rows, others[part]]
    return Assignment(labels, nearness, others, margins)


def sections(centroids: Vectors) -> NDArray[np.int32]:
    """The level above: which clusters belong together, shape (k,); all of one where k is small.

    About √k sections, by Ward's linkage (1963), which makes them of like size.
    """
    k = len(centroids)
    if k < _LEAST_FOR_SECTIONS:
        return np.zeros(k, dtype=np.int32)
    wanted = round(np.sqrt(k))
    model = AgglomerativeClustering(wanted, linkage="ward")
    found = model.fit_predict(centroids)
    # Numbered as they come: the section of the largest cluster first.
    _, first, numbers = np.unique(found, return_index=True, return_inverse=True)
    places = np.argsort(np.argsort(first))
    result: NDArray[np.int32] = places[numbers].astype(np.int32)
    return result
