"""Neighbours of the user's own products by behaviour, summed over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.engine import arrays, facts
from recommender.engine.facts import OwnProducts

_NEIGHBOURS = """
SELECT n.kind, n.product_id, array_send(n.products), array_send(n.scores)
FROM recommender_productneighbor n
WHERE n.product_id = ANY(%s::bigint[]) AND n.catalog_id = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """One kind of neighbours of the user's own products; every array has shape (links,)."""

    sources: NDArray[np.int64]  # keys of own products
    targets: NDArray[np.int64]  # keys of their neighbours
    scores: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """One kind of neighbours, each once; every array has shape (products,)."""

    products: NDArray[np.int64]  # keys, ascending
    all: NDArray[np.float64]  # scores over all own products
    recent: NDArray[np.float64]  # the same, those of recent own products counting more

    def of(self, candidates: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both sums of each candidate, shape (candidates,); 0 for what is no neighbour."""
        rows, known = facts.sorted_places(self.products, candidates)
        found = [np.where(known, sums[rows], 0.0) for sums in (self.all, self.recent)]
        return found[0].astype(np.float32), found[1].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The links by kind, such as "together" and "ease", and what they come to."""

    links: Mapping[str, Links] = field(default_factory=dict)
    sums: Mapping[str, Sums] = field(default_factory=dict)

    def best(self, limit: int) -> list[NDArray[np.int64]]:
        """Of each kind, keys of the products with the highest sums, best first."""
        found = []
        for sums in self.sums.values():
            rows = np.argsort(-sums.all)[:limit]
            found.append(sums.products[rows[sums.all[rows] > 0]])
        return found

    def scores(self, candidates: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """The channels "<kind>:all" and "<kind>:recent", shape (candidates,)."""
        found = {}
        for kind, sums in self.sums.items():
            found[f"{kind}:all"], found[f"{kind}:recent"] = sums.of(candidates)
        return found


def find(catalog_id: int, own: OwnProducts) -> Neighbours:
    """The neighbours of the user's latest products, as the last training left them."""
    if not len(own.latest):
        return Neighbours()
    rows = database.fetch(_NEIGHBOURS, (database.array_text(own.latest.tolist()), catalog_id))
    kinds = dict.fromkeys(kind for kind, *_ in rows)
    return summed(
        {kind: _links([row[1:] for row in rows if row[0] == kind]) for kind in kinds}, own
    )


def summed(links: Mapping[str, Links], own: OwnProducts) -> Neighbours:
    """Links with their sums; those of a kind without any are left out."""
    there = {kind: each for kind, each in links.items() if len(each.targets)}
    return Neighbours(there, {kind: _sums(each, own) for kind, each in there.items()})


def _sums(links: Links, own: OwnProducts) -> Sums:
    products, places = np.unique(links.targets, return_inverse=True)
    mine, _ = facts.places(own.products, links.sources)
    weighed = links.scores * own.recent[mine]
    return Sums(
        products=products,
        all=np.bincount(places, links.scores).astype(np.float64),
        recent=np.bincount(places, weighed).astype(np.float64),
    )


def _links(rows: list[tuple[int, bytes, bytes]]) -> Links:
    products = [sent for _, sent, _ in rows]
    return Links(
        sources=np.repeat([key for key, *_ in rows], [arrays.length(each) for each in products]),
        targets=arrays.joined_ints(products),
        scores=arrays.joined_floats([sent for *_, sent in rows]),
    )
