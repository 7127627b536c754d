"""Every product's nearest products, of unit vectors in memory.

Few products are compared with all, block by block. Many are dealt into cells, and each compared
with what is in the cells nearest to it: the inverted file of Jégou, Douze and Schmid, "Product
quantization for nearest neighbor search" (2011), without the quantisation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import arrays

Vectors = NDArray[np.float32]

# Above it comparing all with all takes longer than a few seconds of one core.
_MOST_EXACT = 10_000
_PROBES = 4
# Numbers of a block of similarities: 64 MB.
_BLOCK = 1 << 24
# More than so many in a cell are alike anyway, such as products without a text of their own.
_MOST_OF_A_CELL = 20_000


class VectorsError(ValueError):
    """The vectors cannot tell one product from another, or hold numbers that are none."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest others of each product, nearest first; −1 and −1.0 where there are no more."""

    places: NDArray[np.int64]  # (products, k)
    similarities: NDArray[np.float32]  # (products, k), cosine


def units(vectors: Vectors) -> Vectors:
    """The rows at length 1, in place; one of zeros, of a product without a vector, stays.

    Raises:
        VectorsError: a number is NaN or infinite.
    """
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    if not np.isfinite(lengths).all():
        row = int(np.flatnonzero(~np.isfinite(lengths))[0])
        raise VectorsError(f"The vector in row {row} holds a number that is NaN or infinite.")
    vectors /= np.where(lengths > 0, lengths, 1)[:, None]
    return vectors


def check_distinct(unit: Vectors) -> None:
    """Raise VectorsError where no two of the vectors that are there differ."""
    there = unit[np.any(unit != 0, axis=1)]
    if len(there) > 1 and np.allclose(there, there[0], atol=1e-4):
        raise VectorsError("All vectors are equal, so that no product is nearer than another.")


def neighbours(unit: Vectors, k: int) -> Neighbours:
    """The k nearest of each row, itself left out; a row of zeros has none and is none.

    Exact up to 10,000 rows; beyond, some in a hundred of the far ones are missed, hardly any near
    one.
    """
    places = np.full((len(unit), k), -1, dtype=np.int64)
    similarities = np.full((len(unit), k), -1, dtype=np.float32)
    there = np.flatnonzero(np.any(unit != 0, axis=1))
    if len(there) > 1:
        rows = unit if len(there) == len(unit) else unit[there]
        find = _exact if len(rows) <= _MOST_EXACT else _in_cells
        found, near = find(rows, min(k, len(rows) - 1))
        is_found = near > -1
        places[there, : found.shape[1]] = np.where(is_found, there[found], -1)
        similarities[there, : found.shape[1]] = near
    return Neighbours(places, similarities)


def _exact(unit: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    parts = []
    step = max(1, _BLOCK // len(unit))
    for start in range(0, len(unit), step):
        near = unit[start : start + step] @ unit.T
        np.maximum(near, -0.999, out=near)  # −1 means none
        near[np.arange(len(near)), np.arange(start, start + len(near))] = -1
        parts.append(arrays.best_of_rows(near, k))
    places, similarities = zip(*parts, strict=True)
    return np.concatenate(places), np.concatenate(similarities)


def _in_cells(unit: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    probes = _probes(unit, int(np.sqrt(len(unit))))
    members = _grouped(probes[:, 0])
    askers = _grouped(probes.ravel())
    found = np.full((len(unit), _PROBES, k), -1, dtype=np.int32)
    near = np.full((len(unit), _PROBES, k), -1, dtype=np.float32)
    for cell, asking in askers.items():
        inside = members.get(cell, np.zeros(0, dtype=np.int64))[:_MOST_OF_A_CELL]
        if not len(inside):
            continue
        held = unit[inside]
        for start in range(0, len(asking), max(1, _BLOCK // len(inside))):
            asked = asking[start : start + max(1, _BLOCK // len(inside))]
            rows, probe = asked // _PROBES, asked % _PROBES
            similarities = np.maximum(unit[rows] @ held.T, -0.999)
            itself, is_inside = arrays.sorted_places(inside, rows)
            similarities[np.flatnonzero(is_inside), itself[is_inside]] = -1
            best, values = arrays.best_of_rows(similarities, k)
            width = best.shape[1]
            found[rows, probe, :width], near[rows, probe, :width] = inside[best], values
    flat = near.reshape(len(unit), -1)
    best, values = arrays.best_of_rows(flat, k)
    return np.take_along_axis(found.reshape(flat.shape), best, axis=1).astype(np.int64), values


def _probes(unit: Vectors, cells: int) -> NDArray[np.int64]:
    """The cells nearest to each row, its own first; shape (rows, probes)."""
    rng = np.random.default_rng(0)
    sample = unit[np.sort(rng.choice(len(unit), min(len(unit), 20 * cells), replace=False))]
    centres = sample[rng.choice(len(sample), cells, replace=False)]
    # Twice is enough: cells need not be good clusters, only of some one size.
    for _ in range(2):
        own = _nearest_centres(sample, centres, 1)[:, 0]
        sums = np.zeros_like(centres)
        np.add.at(sums, own, sample)
        centres = np.where(np.any(sums != 0, axis=1, keepdims=True), sums, centres)
        centres = units(centres)
    return _nearest_centres(unit, centres, _PROBES)


def _nearest_centres(unit: Vectors, centres: Vectors, count: int) -> NDArray[np.int64]:
    step = max(1, _BLOCK // len(centres))
    blocks = (unit[start : start + step] @ centres.T for start in range(0, len(unit), step))
    return np.concatenate([arrays.best_of_rows(block, count)[0] for block in blocks])


def _grouped(labels: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """The places of each label."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order])) + 1
    return {int(labels[part[0]]): part for part in np.split(order, starts) if len(part)}
