"""A map: unit vectors in two dimensions, so that what is alike is near.

t-SNE (van der Maaten & Hinton 2008) of up to a few thousand landmarks, begun from their principal
components so that far is far, too (Kobak & Berens 2019); all other rows are placed between the
landmarks they are nearest to. UMAP and PaCMAP need numba, which is heavier than all the rest.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from recommender.analysis.clusters import SEED
from recommender.analysis.nearest import Vectors, units

# Up to so many rows each is a landmark; of more, the centroids of so many small clusters are.
_MOST_DIRECT, _LANDMARKS = 2_500, 1_200
_BATCH, _ROUNDS = 4_096, 3
_BLOCK = 5_000
_DIMENSIONS = 50
_PERPLEXITY = 30.0
# A row is between so many landmarks; one that is nearer by a tenth counts e² as much.
_BETWEEN, _SHARPNESS = 4, 20.0
# Rows in one place would hide each other: of the width of the map.
_JITTER = 0.004

Positions = NDArray[np.float32]


def layout(vectors: Vectors, say: Callable[[str], None] = lambda _text: None) -> Positions:
    """A place for each unit vector, both coordinates from 0 to 1; shape (n, 2).

    Raises:
        ValueError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError("There is no map of fewer than two rows.")
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(1):
        if len(vectors) <= _MOST_DIRECT:
            say("laying out products")
            return _scaled(_flat(vectors))
        say("choosing landmarks")
        landmarks = _landmarks(vectors)
        say("laying out landmarks")
        places = _scaled(_flat(landmarks))
        say("placing products")
        return _scaled(_between(vectors, landmarks, places))


def _landmarks(vectors: Vectors) -> Vectors:
    model = MiniBatchKMeans(
        _LANDMARKS,
        batch_size=_BATCH,
        init="random",
        n_init=1,
        max_iter=_ROUNDS,
        random_state=SEED,
        compute_labels=False,
    )
    centroids = model.fit(vectors).cluster_centers_.astype(np.float32)
    return units(centroids[np.linalg.norm(centroids, axis=1) > 1e-6])


def _flat(rows: Vectors) -> Positions:
    """Two dimensions, of any scale."""
    if not (rows != rows[0]).any():
        return np.zeros((len(rows), 2), dtype=np.float32)
    dimensions = min(_DIMENSIONS, *rows.shape)
    reduced = PCA(dimensions, random_state=SEED).fit_transform(rows)
    if len(rows) < 5 or dimensions < 2:
        return np.pad(reduced, ((0, 0), (0, 1)))[:, :2].astype(np.float32)
    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-12) * 1e-4
    model = TSNE(
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        init=start.astype(np.float32),
        random_state=SEED,
        n_jobs=1,
    )
    result: Positions = model.fit_transform(reduced.astype(np.float32))
    return result


def _between(vectors: Vectors, landmarks: Vectors, places: Positions) -> Positions:
    """Each row at the mean of its nearest landmarks, weighted by how near they are."""
    result = np.empty((len(vectors), 2), dtype=np.float32)
    near = min(_BETWEEN, len(landmarks))
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        similarity = vectors[part] @ landmarks.T
        nearest = np.argpartition(-similarity, near - 1, axis=1)[:, :near]
        values = np.take_along_axis(similarity, nearest, axis=1)
        weights = np.exp(_SHARPNESS * (values - values.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        result[part] = (places[nearest] * weights[:, :, None]).sum(axis=1)
    random = np.random.default_rng(SEED)
    jitter = random.normal(scale=_JITTER, size=result.shape)
    return result + jitter.astype(np.float32)


def _scaled(places: Positions) -> Positions:
    """Both from 0 to 1 at the same scale, in the middle; everything in the middle where all are
    in one place."""
    least, most = places.min(axis=0), places.max(axis=0)
    width = float((most - least).max())
    if not width > 0:
        return np.full_like(places, 0.5)
    result: Positions = (0.5 + (places - (least + most) / 2) / width).astype(np.float32)
    return result
