"""The exact answers, from all vectors in memory, and how much of them the service found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.models import Catalog
from recommender.spaces import lifecycle
from recommender.spaces.partitions import load_vectors

# Half precision keeps three digits: neighbours closer together than this are ties.
_TIE = 1e-4
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Truth:
    """A catalog's products in the order of their ids; every array has a row for each.

    Attributes:
        ids: external ids.
        vectors: unit rows as they are stored, in half precision; shape (products, dimension).
    """

    ids: Sequence[str]
    vectors: NDArray[np.float32]
    prices: NDArray[np.float64]
    brands: NDArray[np.str_]
    buckets: NDArray[np.int64]
    in_stock: NDArray[np.bool_]

    def passing(self, document: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Which products are available and pass a filter of `cases`; shape (products,)."""
        mask = self.in_stock.copy()
        for name, condition in document.items():
            match name:
                case "bucket":
                    mask &= self.buckets < condition["lt"]
                case "price":
                    mask &= self.prices <= condition["lte"]
                case _:
                    mask &= np.isin(self.brands, condition)
        return mask


@dataclass(frozen=True, slots=True)
class Recall:
    """How answers compare with the exact ones.

    Attributes:
        share: of the exact nearest, how many were found; ties count.
        fewest: the shortest answer's number of products.
        full: the share of answers as long as was asked for, or with all there is.
    """

    share: float
    fewest: int
    full: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares answers with the exact ones.

    Attributes:
        similarity: cosine of each seed with each product, shape (seeds, products).
        places: by external id, a product's column.
    """

    truth: Truth
    similarity: NDArray[np.float32]
    places: Mapping[str, int]

    def recall(
        self, document: Mapping[str, Any], answers: Sequence[Sequence[str]], count: int
    ) -> Recall:
        """Recall@count among the available products that pass a filter.

        Args:
            document: the filter; empty for none.
            answers: the ids that each seed was answered with.
        """
        passing = np.flatnonzero(self.truth.passing(document))
        exact = -np.sort(-self.similarity[:, passing], axis=1)[:, :count]
        hits = wanted = full = 0
        for row, answer in enumerate(answers):
            nearest = exact[row][np.isfinite(exact[row])]
            threshold = nearest.min(initial=np.inf) - _TIE
            columns = np.intersect1d([self.places[product] for product in answer], passing)
            right = self.similarity[row, columns.astype(np.int64)] >= threshold
            hits += min(int(right.sum()), len(nearest))
            wanted += len(nearest)
            full += len(answer) >= len(nearest)
        share = hits / wanted if wanted else 1.0
        return Recall(share, min(map(len, answers)), full / len(answers))


def load(catalog: Catalog) -> Truth:
    """Everything that the exact answers need, out of the database."""
    space = lifecycle.active_space(catalog.pk)
    if space is None:
        raise LookupError(f"The catalog {catalog.name} has no active space.")
    rows = database.fetch(
        "SELECT id, external_id, price::float8, brand, (attributes->>'bucket')::int, in_stock "
        "FROM recommender_product WHERE catalog_id = %s ORDER BY id",
        (catalog.pk,),
    )
    keys, ids, prices, brands, buckets, in_stock = zip(*rows, strict=True)
    return Truth(
        ids=ids,
        vectors=_vectors(space.pk, keys, space.dimension),
        prices=np.array(prices),
        brands=np.array(brands),
        buckets=np.array(buckets),
        in_stock=np.array(in_stock),
    )


def judge(truth: Truth, seeds: NDArray[np.int64]) -> Judge:
    """A judge of the answers for these seeds, by their places."""
    similarity = truth.vectors[seeds] @ truth.vectors.T
    # A product is not similar to itself.
    similarity[np.arange(len(seeds)), seeds] = -np.inf
    return Judge(truth, similarity, {product: row for row, product in enumerate(truth.ids)})


def _vectors(space_id: int, keys: Sequence[int], dimension: int) -> NDArray[np.float32]:
    place = {key: row for row, key in enumerate(keys)}
    matrix = np.zeros((len(keys), dimension), dtype=np.float32)
    for start in range(0, len(keys), _BATCH):
        ids, rows = load_vectors(space_id, keys[start : start + _BATCH])
        matrix[[place[key] for key in ids.tolist()]] = rows
    # Rounding to halves changes the lengths a little; the service compares angles.
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.maximum(lengths, 1e-6)
    return matrix
