"""Where keys are among other keys: the look-ups that every stage of the engine makes."""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]


def places(known: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted key is in a list of distinct keys, and whether it is; shape (wanted,)."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    order = np.argsort(known)
    rows = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return rows, known[rows] == wanted


def sorted_places(known: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same where the known keys ascend: among many, for the price of the wanted alone."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    rows = np.minimum(np.searchsorted(known, wanted), len(known) - 1).astype(np.int64)
    return rows, known[rows] == wanted


def heaviest(labels: NDArray[np.int64], weights: NDArray[np.float64], limit: int) -> list[int]:
    """The labels with most of the weight, heaviest first; 0 is none."""
    ids, rows = np.unique(labels, return_inverse=True)
    sums = np.bincount(rows, weights, len(ids)) * (ids != 0)
    best = np.argsort(-sums, kind="stable")[:limit]
    return [int(ids[row]) for row in best if sums[row] > 0]
