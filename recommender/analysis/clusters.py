"""Clusters of unit vectors: k-means by cosine, in mini-batches (Sculley, WWW 2010)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans

_BATCH = 4096
_BLOCK = 20_000  # rows that are compared with all centroids at once
_SEED = 7

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Each row's cluster, and how near it is to that cluster's centroid and to the next one's."""

    labels: NDArray[np.int32]  # (n,)
    nearness: NDArray[np.float32]  # (n,), cosine similarity
    next_nearness: NDArray[np.float32]  # (n,); −1 where there is one cluster


def normalise(vectors: Vectors) -> Vectors:
    """Unit length, in place; returns the same array."""
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return vectors


def fit(vectors: Vectors, k: int, seed: int = _SEED) -> Vectors:
    """Centroids of unit length, shape (at most k, dimension).

    Fewer than k where fewer are distinct. Among unit vectors the nearest by Euclid is the nearest
    by cosine, so k-means needs no other distance.

    Raises:
        ValueError: there are fewer than k vectors.
    """
    model = MiniBatchKMeans(k, batch_size=_BATCH, n_init=1, random_state=seed, max_iter=30)
    centroids = model.fit(vectors).cluster_centers_.astype(np.float32)
    lengths = np.linalg.norm(centroids, axis=1)
    centroids = centroids[lengths > 1e-6] / lengths[lengths > 1e-6, None]
    used = np.unique(assign(vectors, centroids).labels)
    result: Vectors = centroids[used]
    return result


def assign(vectors: Vectors, centroids: Vectors) -> Assignment:
    """The nearest centroid of each vector; both of unit length."""
    labels = np.empty(len(vectors), dtype=np.int32)
    nearness = np.empty(len(vectors), dtype=np.float32)
    following = np.full(len(vectors), -1, dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        similarity = vectors[part] @ centroids.T
        labels[part] = similarity.argmax(axis=1)
        nearness[part] = np.take_along_axis(similarity, labels[part, None], axis=1)[:, 0]
        if len(centroids) > 1:
            following[part] = np.partition(similarity, -2, axis=1)[:, -2]
    return Assignment(labels, nearness, following)
