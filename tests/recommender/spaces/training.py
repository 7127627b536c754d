"""Spaces that look as if they had been trained."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour import prediction
from recommender.behaviour.fold_in import FoldIn, LeastSquares
from recommender.behaviour.prediction import Metric
from recommender.models import Product, Space
from recommender.spaces import trained
from recommender.spaces.partitions import load_vectors
from tests.shop import NOON, Shop

DIMENSION = 8


def keys_of(shop: Shop) -> NDArray[np.int64]:
    """Of its products, ascending."""
    keys = Product.objects.filter(catalog=shop.catalog).order_by("pk")
    return np.array(keys.values_list("pk", flat=True), dtype=np.int64)


def factors(count: int, *, seed: int = 1) -> NDArray[np.float32]:
    """Of different lengths; shape (count, DIMENSION)."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, DIMENSION)) * random.uniform(0.1, 3, size=(count, 1))
    return rows.astype(np.float32)


def train(shop: Shop, rows: NDArray[np.float32] | None = None, **changed: Any) -> Space:
    """A new version of "als" with these vectors of the first products; by default of all."""
    vectors = factors(len(keys_of(shop))) if rows is None else rows
    given: dict[str, Any] = {
        "model": "implicit-als",
        "metric": Space.Metric.INNER_PRODUCT,
        "ids": keys_of(shop)[: len(vectors)],
        "vectors": vectors,
        "fold_in": FoldIn(LeastSquares(vectors.T @ vectors, 20.0, 5.0)).to_bytes(),
        "trained_until": NOON,
        "prediction": None,
    }
    return trained.store(shop.catalog, "als", **{**given, **changed})


def predicting(shop: Shop, rows: NDArray[np.float32], metric: Metric = "inner_product") -> bytes:
    """A prediction that was fitted to these vectors of the first products."""
    _, content = load_vectors(shop.space.pk, keys_of(shop)[: len(rows)].tolist())
    fitted = prediction.fit(content, rows, metric=metric)
    assert fitted is not None
    return fitted.to_bytes()
