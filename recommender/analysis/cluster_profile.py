"""What each cluster is like: its size, cohesion, neighbour, typical and border rows, its sales."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.analysis.clusters import Assignment
from recommender.analysis.nearest import Vectors


@dataclass(frozen=True, slots=True)
class Profile:
    """A cluster; rows are those of the vectors."""

    size: int
    share: float  # of all rows
    cohesion: float  # mean cosine similarity to the centroid, 1 at best
    neighbour: int  # the cluster whose centroid is nearest; −1 where there is no other
    separation: float  # how far that is: 1 − cosine similarity
    typical: list[int]  # the rows nearest to the centroid, the nearest first
    border: list[int]  # the rows that are least sure to be of it, the least sure first
    sales: float  # in the latest month
    sales_share: float | None  # of all clusters; None where nothing was sold
    growth: float | None  # against the month before, 0.1 for a tenth more; None after nothing


def profiles(
    centroids: Vectors,
    found: Assignment,
    sales: NDArray[np.float64],
    sales_before: NDArray[np.float64],
    shown: int = 5,
) -> list[Profile]:
    """Of each cluster its profile.

    Args:
        sales: of each row in the latest month; shape (n,).
        sales_before: the same in the month before.
        shown: so many typical and border rows, where there are as many.
    """
    between = centroids @ centroids.T
    np.fill_diagonal(between, -np.inf)
    count = len(centroids)
    now = np.bincount(found.labels, sales, count)
    before = np.bincount(found.labels, sales_before, count)
    order = np.argsort(found.labels, kind="stable")
    ends = np.searchsorted(found.labels[order], np.arange(count + 1))
    result = []
    for cluster in range(count):
        rows = order[ends[cluster] : ends[cluster + 1]]
        neighbour = int(between[cluster].argmax()) if count > 1 else -1
        nearest = rows[arrays.largest(found.nearness[rows], shown)]
        unsure = rows[arrays.largest(-found.margins[rows], shown)]
        result.append(
            Profile(
                size=len(rows),
                share=len(rows) / len(found.labels),
                cohesion=float(found.nearness[rows].mean()),
                neighbour=neighbour,
                separation=float(1 - between[cluster, neighbour]) if count > 1 else 1.0,
                typical=nearest.tolist(),
                border=unsure.tolist(),
                sales=float(now[cluster]),
                sales_share=float(now[cluster] / now.sum()) if now.sum() else None,
                growth=float(now[cluster] / before[cluster] - 1) if before[cluster] else None,
            )
        )
    return result
