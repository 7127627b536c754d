"""Unit vectors in clouds around directions of their own."""

import numpy as np
from numpy.typing import NDArray


def clouds(
    count: int, each: int, *, dimension: int = 16, spread: float = 0.2, seed: int = 3
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Vectors, shape (count × each, dimension), and of each its cloud, in a mixed order."""
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.normal(size=(dimension, dimension)))[0][:count]
    labels = random.permutation(np.repeat(np.arange(count), each))
    noise = random.normal(scale=spread / np.sqrt(dimension), size=(len(labels), dimension))
    vectors = (centres[labels] + noise).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels
