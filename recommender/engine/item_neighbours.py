"""Neighbours of the user's own products by behaviour, summed over them. Numbers in, numbers out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.engine import lookup
from recommender.engine.own_products import OwnProducts

# Names of the sums: over all own products, and weighted by how recent those are.
ALL, RECENT = "all", "recent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Own products and their neighbours of one kind; every array has shape (links,)."""

    sources: NDArray[np.int64]  # keys of own products
    targets: NDArray[np.int64]  # keys of their neighbours
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemNeighbours:
    """The neighbours of one kind, such as "together" and "ease", each once."""

    products: NDArray[np.int64]  # keys, ascending
    all: NDArray[np.float64]  # scores over all own products, shape (products,)
    recent: NDArray[np.float64]  # the same, those of recent own products counting more
    links: Callable[[], Links]  # made only where an explanation asks for them

    def best(self, name: str, limit: int) -> NDArray[np.int64]:
        """Keys of the products with the highest of these sums above zero, best first."""
        sums = self._sums(name)
        rows = np.argsort(-sums, kind="stable")[:limit]
        return self.products[rows[sums[rows] > 0]]

    def scores(self, name: str, candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """The sum of each candidate, shape (candidates,); 0 for what is no neighbour."""
        if not len(self.products):
            return np.zeros(len(candidates), dtype=np.float32)
        rows, known = lookup.sorted_places(self.products, candidates)
        return np.where(known, self._sums(name)[rows], 0.0).astype(np.float32)

    def _sums(self, name: str) -> NDArray[np.float64]:
        return self.all if name == ALL else self.recent


def summed(links: Links, own: OwnProducts) -> ItemNeighbours:
    """Links with their sums."""
    products, places = np.unique(links.targets, return_inverse=True)
    mine, _ = lookup.places(own.products, links.sources)
    weighted = links.scores * own.recent[mine]
    return ItemNeighbours(
        products=products,
        all=np.bincount(places, links.scores, len(products)).astype(np.float64),
        recent=np.bincount(places, weighted, len(products)).astype(np.float64),
        links=lambda: links,
    )
