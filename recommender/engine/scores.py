"""What own history, popularity and spaces say of products. Numbers in, numbers out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.engine.config import (
    INTERESTS,
    MOMENT_PRODUCTS,
    MOMENTS,
    OWN_PRODUCTS,
    PUSH,
    SHARPNESS,
)
from recommender.profiles.profile import INTEREST, LAST, LONG_TERM, NEGATIVE, SHORT_TERM, ProfileRow

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
    moments: NDArray[np.int64]  # how many moments with own products have come since; 0 for the last
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

    @property
    def last_moments(self) -> NDArray[np.int64]:
        """Those that say what comes next, each with its `moments`."""
        return self.products[: min(MOMENT_PRODUCTS, int(np.sum(self.moments < MOMENTS)))]


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
    days = ages[first[order]]
    return OwnProducts(
        products=ids[order],
        recent=recent,
        counts=counts[order],
        decayed=decayed[order],
        lasting=lasting[order],
        days=days,
        moments=np.cumsum(np.diff(days, prepend=days[:1]) > 0),
        seen=size,
        events=len(product_ids),
        days_since=float(ages[0]) if len(ages) else NEVER,
    )


def _sums(places: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(places, values, size).astype(np.float64)


WINDOWS = ("week", "month", "quarter", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePopularity:
    """How some products stand; every array has shape (products,)."""

    users: Mapping[str, NDArray[np.float32]]  # by window, 0 for what has no history
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Popularity:
    """Users by window of all products with history; every array has shape (products,)."""

    clock: float | None  # what now is, seconds since 1970; None for the time of day
    products: NDArray[np.int64]  # keys, ascending
    users: Mapping[str, NDArray[np.float32]]  # by window
    first: NDArray[np.float64]  # the first event, seconds since 1970, NaN where there is none
    orders: Mapping[str, NDArray[np.int32]]  # by window, visible rows, best first
    labels: NDArray[np.int64]  # categories as numbers, 0 for none
    categories: NDArray[np.int64]  # the same of the visible products, ascending
    by_category: NDArray[np.int32]  # their rows, by category, then best of the month first

    def now(self) -> float:
        """What now is for the catalog, seconds since 1970."""
        return time.time() if self.clock is None else self.clock

    def best(self, window: str, limit: int) -> NDArray[np.int64]:
        """Keys of the most popular available products of a window, best first."""
        return self.products[self.orders[window][:limit]]

    def best_in(self, category: int, limit: int) -> NDArray[np.int64]:
        """The same of a category, given as its label's number, by the month."""
        start = np.searchsorted(self.categories, category, side="left")
        end = np.searchsorted(self.categories, category, side="right")
        rows = self.by_category[start : min(end, start + limit)]
        return self.products[rows[self.users["month"][rows] > 0]]

    def heaviest_categories(self, own: OwnProducts, limit: int) -> list[int]:
        """The categories that most of a user's taste is in, as numbers."""
        rows, known = arrays.sorted_places(self.products, own.latest)
        labels = np.where(known, self.labels[rows], 0) if len(self.labels) else own.latest * 0
        return arrays.heaviest(labels, own.latest_recent, limit)

    def of(self, candidates: NDArray[np.int64]) -> CandidatePopularity:
        """How each of these products stands."""
        if not len(self.products):
            nothing = np.zeros(len(candidates), dtype=np.float32)
            unknown = np.full(len(candidates), np.nan)
            return CandidatePopularity(users=dict.fromkeys(self.users, nothing), first=unknown)
        rows, known = arrays.sorted_places(self.products, candidates)
        users = {
            name: np.where(known, numbers[rows], np.float32(0))
            for name, numbers in self.users.items()
        }
        return CandidatePopularity(users=users, first=np.where(known, self.first[rows], np.nan))


def of_columns(
    *,
    clock: float | None,
    products: NDArray[np.int64],
    users: Mapping[str, NDArray[np.float32]],
    first: NDArray[np.float64],
    labels: NDArray[np.int64],
    visible: NDArray[np.bool_],
) -> Popularity:
    """Popularity from its columns, each of shape (products,).

    Args:
        visible: which products may be listed.
    """
    by_category = np.lexsort((-users["month"], labels))
    by_category = by_category[visible[by_category]]
    return Popularity(
        clock=clock,
        products=products,
        users=users,
        first=first,
        orders={name: _order(users[name], visible) for name in WINDOWS},
        labels=labels,
        categories=labels[by_category],
        by_category=by_category.astype(np.int32),
    )


def _order(users: NDArray[np.float32], visible: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Visible rows that anybody had, the most popular first, ties by key."""
    order = np.argsort(-users, kind="stable")
    return order[(visible & (users > 0))[order]].astype(np.int32)


COSINE = "cosine"
BEHAVIOUR = "behaviour"

Floats = NDArray[np.float32]


def space_names(kind: str, metric: str) -> tuple[str, ...]:
    """The scores of a space of this kind and metric."""
    interests = (f"{INTEREST}s",) if metric == COSINE else ()
    long_term = (LONG_TERM,) if kind == BEHAVIOUR else ()
    return (*interests, SHORT_TERM, LAST, *long_term)


def space_scores_of(
    metric: str, vectors: Sequence[ProfileRow], similarities: Floats
) -> Mapping[str, Floats]:
    """The scores of products by name, each of shape (products,); none for a vector not there.

    What is near what the user turned down is pushed away, but not from an ALS factor, which has
    learnt that of its own.

    Args:
        metric: the space's.
        vectors: of the profile, interests heaviest first.
        similarities: of products to each vector, shape (vectors, products); 0 for a product
            without a vector.
    """
    values: dict[str, Floats] = {}
    by_kind = {
        vector.kind: similarities[row]
        for row, vector in enumerate(vectors)
        if vector.kind != INTEREST
    }
    interests = [row for row, vector in enumerate(vectors) if vector.kind == INTEREST][:INTERESTS]
    if interests and metric == COSINE:
        weights = np.array([vectors[row].weight for row in interests])
        sharp = np.maximum(similarities[interests], 0) ** SHARPNESS
        values[f"{INTEREST}s"] = np.asarray(weights @ sharp, dtype=np.float32)
    push = PUSH * np.maximum(by_kind.get(NEGATIVE, np.float32(0)), 0)
    for kind in (SHORT_TERM, LAST, LONG_TERM):
        if kind in by_kind:
            is_pushed = kind != LONG_TERM or metric == COSINE
            score = by_kind[kind] - push if is_pushed else by_kind[kind]
            values[kind] = np.asarray(score, dtype=np.float32)
    return values
