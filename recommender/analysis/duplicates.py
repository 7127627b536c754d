"""Near-duplicates: two entries of one product. A variant, another colour or size, is none.

Candidates are nearest neighbours by vector, products with one GTIN and those whose titles have
the same words: blocking, then a decision for each pair, as in Christen, "Data Matching" (2012).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.analysis.items import Item
from recommender.analysis.nearest import Neighbours, Vectors
from recommender.analysis.pairs import Judgement, judge, keys

# Of products with the same words, how many of those that follow each is compared with.
_NEXT = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries of one product.

    Attributes:
        kept: the place of the entry to keep.
        other: the place of the one to merge into it.
        similarity: cosine of their vectors; 0 where one has none.
    """

    kept: int
    other: int
    similarity: float
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of one product each, and the pairs that make them.

    Attributes:
        groups: by the place of the entry to keep, the places of the others.
        refused: of the candidates that are no duplicates, how many for each reason.
    """

    pairs: tuple[Pair, ...]
    groups: Mapping[int, tuple[int, ...]]
    candidates: int
    refused: Mapping[str, int] = field(default_factory=dict)


def find(
    items: Sequence[Item], unit: Vectors, near: Neighbours, *, least_similarity: float = 0.8
) -> Duplicates:
    """The duplicates among products.

    Args:
        unit: their vectors at length 1, shape (products, dimension); zeros where there is none.
        near: their nearest neighbours.
        least_similarity: of neighbours that are looked at.
    """
    found: list[tuple[int, int, Judgement]] = []
    refused: dict[str, int] = defaultdict(int)
    candidates = _candidates(items, near, least_similarity)
    for one, other in candidates:
        judgement = judge(items[one], items[other])
        if judgement.is_duplicate:
            found.append((one, other, judgement))
        else:
            refused[judgement.code] += 1
    groups = _groups(items, found)
    rank = {place: n for kept, others in groups.items() for n, place in enumerate((kept, *others))}
    pairs = (_pair(unit, rank, *each) for each in found)
    return Duplicates(tuple(pairs), groups, len(candidates), dict(refused))


def _pair(
    unit: Vectors, rank: Mapping[int, int], one: int, other: int, judgement: Judgement
) -> Pair:
    kept, merged = (one, other) if rank[one] < rank[other] else (other, one)
    return Pair(kept, merged, round(float(unit[one] @ unit[other]), 4), judgement)


def _candidates(
    items: Sequence[Item], near: Neighbours, least_similarity: float
) -> list[tuple[int, int]]:
    pairs = [_near_pairs(near, least_similarity), _same([item.gtin] for item in items)]
    pairs.append(_same(keys(item) for item in items))
    joined = np.concatenate(pairs)
    joined.sort(axis=1)
    return [(int(one), int(other)) for one, other in np.unique(joined, axis=0)]


def _near_pairs(near: Neighbours, least_similarity: float) -> NDArray[np.int64]:
    rows, columns = np.nonzero((near.similarities >= least_similarity) & (near.places >= 0))
    return np.column_stack([rows, near.places[rows, columns]]).astype(np.int64)


def _same(shared: Iterable[Sequence[str]]) -> NDArray[np.int64]:
    """Pairs of places that share a key; in a long row each with the ten that follow."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for place, of_item in enumerate(shared):
        for key in filter(None, of_item):
            by_key[key].append(place)
    pairs = [
        (one, other)
        for places in by_key.values()
        for n, one in enumerate(places)
        for other in places[n + 1 : n + 1 + _NEXT]
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _groups(
    items: Sequence[Item], found: Sequence[tuple[int, int, Judgement]]
) -> dict[int, tuple[int, ...]]:
    """Connected components; the entry to keep is the one that says most, then the first."""
    root: dict[int, int] = {}

    def top(place: int) -> int:
        while root.setdefault(place, place) != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for one, other, _ in found:
        root[top(other)] = top(one)
    members: dict[int, list[int]] = defaultdict(list)
    for place in sorted(root):
        members[top(place)].append(place)
    ordered = (sorted(places, key=lambda p: (-_said(items[p]), p)) for places in members.values())
    return {places[0]: tuple(places[1:]) for places in ordered}


def _said(item: Item) -> int:
    """How much an entry says of its product."""
    fields = (item.title, item.description, item.category, item.brand, item.gtin)
    return sum(map(bool, fields)) + item.has_price + len(item.attributes)
