"""Which of the user's own products led to each recommendation. Numbers in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.engine import facts

_MOST = 3
# As sharp as the channels are: what is a little like everything led nowhere.
_SHARPNESS = 4
_REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one part of a score goes back to.

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
) -> Trace:
    """What the vectors of profiles, each of which speaks for an own product, gave to the items.

    Relative to the nearest candidate, so that cosines and inner products compare.

    Args:
        anchors: keys of the own products, shape (vectors,), as are the weights.
        similarities: to each candidate, shape (vectors, candidates).
        rows: of the items among the candidates.
    """
    nearest = np.maximum(similarities.max(axis=1, initial=0.0), np.finfo(np.float32).tiny)
    shares = np.maximum(similarities[:, rows], 0.0) / nearest[:, None]
    return Trace(part=part, own=anchors, gave=weights[:, None] * shares**_SHARPNESS)


def of_links(
    part: str,
    sources: NDArray[np.int64],
    targets: NDArray[np.int64],
    scores: NDArray[np.float64],
    items: NDArray[np.int64],
) -> Trace:
    """What neighbours of own products gave to the items.

    Args:
        sources: keys of own products, and of their neighbours as targets, shape (links,).
        items: keys, distinct.
    """
    columns, linked = facts.places(items, targets)
    own, rows = np.unique(sources[linked], return_inverse=True)
    cells = rows * len(items) + columns[linked]
    sums = np.bincount(cells, np.maximum(scores[linked], 0.0), len(own) * len(items))
    return Trace(part=part, own=own, gave=sums.reshape(len(own), len(items)).astype(np.float64))


def strongest(
    traces: Sequence[Trace], items: NDArray[np.int64], parts: Sequence[Mapping[str, float]]
) -> list[tuple[int, ...]]:
    """Keys of up to three own products that gave most to each item's score, the first most.

    Each part that speaks for an item is shared out among what led to it; one that is had again
    is there because of itself.

    Args:
        items: keys.
        parts: of each item's score.
    """
    keys = np.unique(np.concatenate([items, *(trace.own for trace in traces)]))
    given = np.zeros((len(keys), len(items)))
    for part in {trace.part for trace in traces}:
        values = np.array([max(0.0, each.get(part, 0.0)) for each in parts])
        given += values * _shares([trace for trace in traces if trace.part == part], keys)
    for column, each in enumerate(parts):
        given[np.searchsorted(keys, items[column]), column] += max(0.0, each.get(_REPEAT, 0.0))
    best = np.argsort(-given, axis=0, kind="stable")[:_MOST]
    return [
        tuple(int(keys[row]) for row in best[:, column] if given[row, column] > 0)
        for column in range(len(items))
    ]


def _shares(traces: Sequence[Trace], keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each key has of a part, shape (keys, items); of an item 1 in all, or nothing."""
    found = np.zeros((len(keys), traces[0].gave.shape[1]))
    for trace in traces:
        np.add.at(found, np.searchsorted(keys, trace.own), trace.gave)
    totals = found.sum(axis=0)
    shares = np.zeros_like(found)
    np.divide(found, totals, out=shares, where=totals > 0)
    return shares
