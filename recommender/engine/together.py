"""Neighbours of the user's own products by behaviour, summed over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.engine import arrays, facts

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


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The links by kind, such as "together" and "ease"."""

    links: Mapping[str, Links] = field(default_factory=dict)

    def best(self, limit: int) -> list[NDArray[np.int64]]:
        """Of each kind, keys of the products with the highest sums, best first."""
        found = []
        for links in self.links.values():
            targets, places = np.unique(links.targets, return_inverse=True)
            sums = np.bincount(places, links.scores, len(targets))
            rows = np.argsort(-sums)[:limit]
            found.append(targets[rows[sums[rows] > 0]])
        return found

    def scores(
        self, candidates: NDArray[np.int64], own: facts.OwnProducts
    ) -> dict[str, NDArray[np.float32]]:
        """The channels "<kind>:all" and "<kind>:recent", shape (candidates,)."""
        found = {}
        for kind, links in self.links.items():
            rows, known = facts.places(candidates, links.targets)
            mine, _ = facts.places(own.products, links.sources)
            size = len(candidates)
            scores = np.where(known, links.scores, 0.0)
            recent = scores * own.recent[mine]
            found[f"{kind}:all"] = np.bincount(rows, scores, size).astype(np.float32)
            found[f"{kind}:recent"] = np.bincount(rows, recent, size).astype(np.float32)
        return found


def find(catalog_id: int, own: NDArray[np.int64]) -> Neighbours:
    """The neighbours of these products, as the last training left them."""
    if not len(own):
        return Neighbours()
    rows = database.fetch(_NEIGHBOURS, (database.array_text(own.tolist()), catalog_id))
    kinds = dict.fromkeys(kind for kind, *_ in rows)
    return Neighbours({kind: _links([row[1:] for row in rows if row[0] == kind]) for kind in kinds})


def _links(rows: list[tuple[int, bytes, bytes]]) -> Links:
    products = [sent for _, sent, _ in rows]
    return Links(
        sources=np.repeat([key for key, *_ in rows], [arrays.length(each) for each in products]),
        targets=arrays.joined_ints(products),
        scores=arrays.joined_floats([sent for *_, sent in rows]),
    )
