"""Spaces of any dimension, filled with given vectors."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.models import Product, Space
from recommender.spaces import embedding, lifecycle
from recommender.spaces.embedding import Embedded
from tests.shop import Shop, numbered

Fill = Callable[[Space, NDArray[np.float32]], list[int]]


def random_units(rows: int, dimension: int, seed: int = 7) -> NDArray[np.float32]:
    """Unit vectors without any structure: the hardest for an index."""
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def wide_space(shop: Shop, dimension: int) -> Space:
    """A space of this dimension beside the shop's own."""
    return lifecycle.create_space(shop.catalog, name="wide", model="fake", dimension=dimension)


@pytest.fixture
def fill(shop: Shop) -> Fill:
    """Gives new products these vectors in a space; their keys, row by row."""

    def add(space: Space, vectors: NDArray[np.float32]) -> list[int]:
        before = Product.objects.count()
        titles = numbered(before + len(vectors))
        shop.stock(**dict(list(titles.items())[before:]))
        products = Product.objects.order_by("pk")[before:]
        rows = [
            Embedded(product.pk, product.content_hash, vector)
            for product, vector in zip(products, vectors, strict=True)
        ]
        embedding.write(space, rows)
        return [row.product_id for row in rows]

    return add
