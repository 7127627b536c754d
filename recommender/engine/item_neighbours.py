"""What the neighbours of a user's own products add up to. Numbers in, numbers out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.scores import OwnProducts

# Names of the sums: over all own products, those weighted by how recent they are, those of the
# last moment alone, and those of the last three, each less.
ALL, RECENT, LAST, LATEST = "all", "recent", "last", "latest"

# The kind that has a direction: it speaks of what the user had last, and not of all of it.
NEXT = "next"


def sums_of(kind: str) -> tuple[str, ...]:
    """The sums over neighbours of a kind."""
    return (LAST, LATEST) if kind == NEXT else (ALL, RECENT)


def own_of(kind: str, own: OwnProducts) -> NDArray[np.int64]:
    """Keys of the own products whose neighbours of a kind are summed, the latest first."""
    return own.last_moments if kind == NEXT else own.latest


def weights_of(name: str, own: OwnProducts) -> NDArray[np.float64]:
    """What each of `own_of` counts in a sum."""
    if name == ALL:
        return np.ones(len(own.latest))
    if name == RECENT:
        return own.latest_recent
    moments = own.moments[: len(own.last_moments)]
    counts = moments == 0 if name == LAST else 1.0 / (1.0 + moments)
    return np.asarray(counts, dtype=np.float64)


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
    sums: Mapping[str, NDArray[np.float64]]  # by name, each of shape (products,)
    links: Callable[[], Links]  # made only where an explanation asks for them

    def best(self, name: str, limit: int) -> NDArray[np.int64]:
        """Keys of the products with the highest of these sums above zero, best first."""
        sums = self.sums[name]
        rows = arrays.largest(sums, limit)
        return self.products[rows[sums[rows] > 0]]

    def scores(self, name: str, candidates: NDArray[np.int64]) -> NDArray[np.float32]:
        """The sum of each candidate, shape (candidates,); 0 for what is no neighbour."""
        if not len(self.products):
            return np.zeros(len(candidates), dtype=np.float32)
        rows, known = arrays.sorted_places(self.products, candidates)
        return np.where(known, self.sums[name][rows], 0.0).astype(np.float32)


def summed(kind: str, links: Links, own: OwnProducts) -> ItemNeighbours:
    """Links of a kind with their sums."""
    products, places = arrays.distinct(links.targets)
    mine, _ = arrays.places(own_of(kind, own), links.sources)
    return ItemNeighbours(
        products=products,
        sums={
            name: np.bincount(
                places, links.scores * weights_of(name, own)[mine], len(products)
            ).astype(np.float64)
            for name in sums_of(kind)
        },
        links=lambda: links,
    )
