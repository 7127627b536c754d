"""What a user's history says of the products in it. Numbers in, numbers out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.engine.config import OWN_PRODUCTS

# Days, where there was no event at all.
NEVER = 999.0
# What is bought again and again is, a season later, too.
_LASTING = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProducts:
    """The products that a user's history speaks well of, the latest first.

    Every array has shape (products,).
    """

    products: NDArray[np.int64]  # keys
    recent: NDArray[np.float64]  # weight, halved by age before the newest event; largest 1
    counts: NDArray[np.float64]  # good events
    decayed: NDArray[np.float64]  # weight of the good events, halved by age before the clock
    lasting: NDArray[np.float64]  # the same with a longer half-life: habits outlive tastes
    days: NDArray[np.float64]  # since the last event with it
    seen: int  # distinct products of the whole history
    events: int
    days_since: float  # the last event

    @property
    def latest(self) -> NDArray[np.int64]:
        """Those that say what the user's taste is."""
        return self.products[:OWN_PRODUCTS]

    @property
    def latest_recent(self) -> NDArray[np.float64]:
        """The weights of `latest`."""
        return self.recent[:OWN_PRODUCTS]


def own_products(
    product_ids: NDArray[np.int64],
    weights: NDArray[np.float64],
    times: NDArray[np.float64],
    *,
    half_life_days: float,
    clock: float,
) -> OwnProducts:
    """What a history says of its products.

    Args:
        product_ids: of the latest events, newest first; as weights and times of shape (events,).
        times: seconds since 1970.
        half_life_days: after so many days an event counts half.
        clock: what now is, seconds since 1970.
    """
    ids, first, places = np.unique(product_ids, return_index=True, return_inverse=True)
    size = len(ids)
    ages = np.maximum(clock - times, 0.0) / SECONDS_A_DAY
    # By the newest event and not by the clock: a history of long ago is still a taste.
    younger = ages - ages.min(initial=np.inf)
    net = _sums(places, weights * 0.5 ** (younger / half_life_days), size)
    counts = _sums(places, (weights > 0).astype(np.float64), size)
    good = np.maximum(weights, 0.0)
    decayed = _sums(places, good * 0.5 ** (ages / half_life_days), size)
    lasting = _sums(places, good * 0.5 ** (ages / (_LASTING * half_life_days)), size)
    order = np.argsort(first)
    order = order[net[order] > 0]
    recent = net[order] / net[order].max(initial=np.finfo(np.float64).tiny)
    return OwnProducts(
        products=ids[order],
        recent=recent,
        counts=counts[order],
        decayed=decayed[order],
        lasting=lasting[order],
        days=ages[first[order]],
        seen=size,
        events=len(product_ids),
        days_since=float(ages[0]) if len(ages) else NEVER,
    )


def _sums(places: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(places, values, size).astype(np.float64)
