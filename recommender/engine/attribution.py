"""Which of the user's own products led to each recommendation. Numbers in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.candidates import Candidates
from recommender.engine.config import ATTRIBUTED, SHARPNESS
from recommender.profiles.profile import INTEREST


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Which own products one contribution to a score goes back to.

    Within an item only the proportions count.
    """

    part: str
    own: NDArray[np.int64]  # keys of own products, shape (rows,)
    gave: NDArray[np.float64]  # none below 0, shape (rows, items)


def of_vectors(
    part: str,
    anchors: NDArray[np.int64],
    similarities: NDArray[np.float32],
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
) -> Attribution:
    """What the vectors of profiles, each of which speaks for an own product, gave to the items.

    Relative to the nearest candidate, so that cosines and inner products compare.

    Args:
        anchors: keys of the own products, shape (vectors,), as are the weights.
        similarities: to each candidate, shape (vectors, candidates).
        rows: of the items among the candidates.
    """
    nearest = np.maximum(similarities.max(axis=1, initial=0.0), np.finfo(np.float32).tiny)
    shares = np.maximum(similarities[:, rows], 0.0) / nearest[:, None]
    return Attribution(part=part, own=anchors, gave=weights[:, None] * shares**SHARPNESS)


def of_links(
    part: str,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    scores: NDArray[np.float64],
    items: NDArray[np.int64],
) -> Attribution:
    """What neighbours of own products gave to the items.

    Args:
        sources: keys of own products, and of their neighbours as targets, shape (links,).
        items: keys, distinct.
    """
    columns, linked = arrays.places(items, targets)
    own, rows = arrays.distinct(sources[linked])
    cells = rows * len(items) + columns[linked]
    sums = np.bincount(cells, np.maximum(scores[linked], 0.0), len(own) * len(items))
    return Attribution(
        part=part, own=own, gave=sums.reshape(len(own), len(items)).astype(np.float64)
    )


def strongest(
    attributions: Sequence[Attribution],
    items: NDArray[np.int64],
    parts: Sequence[Mapping[str, float]],
) -> list[tuple[int, ...]]:
    """Keys of up to three own products that gave most to each item's score, the first most.

    Each part that speaks for an item is shared out among what led to it.

    Args:
        items: keys.
        parts: of each item's score.
    """
    keys = np.unique(np.concatenate([items, *(attribution.own for attribution in attributions)]))
    given = np.zeros((len(keys), len(items)))
    for part in {attribution.part for attribution in attributions}:
        of_part = [attribution for attribution in attributions if attribution.part == part]
        values = np.array([max(0.0, given_by.get(part, 0.0)) for given_by in parts])
        given += values * _shares(of_part, keys)
    best, amounts = arrays.largest_of_rows(given.T, ATTRIBUTED)
    return [
        tuple(key for key, amount in zip(of_item, gave, strict=True) if amount > 0)
        for of_item, gave in zip(keys[best].tolist(), amounts.tolist(), strict=True)
    ]


def _shares(attributions: Sequence[Attribution], keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each key has of a part, shape (keys, items); of an item 1 in all, or nothing."""
    amounts = np.zeros((len(keys), attributions[0].gave.shape[1]))
    for attribution in attributions:
        np.add.at(amounts, np.searchsorted(keys, attribution.own), attribution.gave)
    totals = amounts.sum(axis=0)
    shares = np.zeros_like(amounts)
    np.divide(amounts, totals, out=shares, where=totals > 0)
    return shares


def nearest_interests(candidates: Candidates, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the candidates in these rows the product that stands for the interest nearest to each.

    Returns:
        Keys, 0 where there is none; shape (rows,).
    """
    anchors: list[int] = []
    near: list[NDArray[np.float32]] = []
    for name, profile in candidates.context.profiles.items():
        for place, vector in enumerate(profile.vectors):
            if vector.kind == INTEREST:
                anchors.append(vector.product_id)
                near.append(candidates.similarities[name][place, rows])
    if not near:
        return np.zeros(len(rows), dtype=np.int64)
    similarities = np.stack(near)
    nearest = np.array(anchors, dtype=np.int64)[similarities.argmax(axis=0)]
    return np.where(similarities.max(axis=0) > 0, nearest, 0)
