"""What is known of candidates and of their user. Numbers in, numbers out: live, batch, replay."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.engine.channels import OWN_PRODUCTS

# Days, where there was no event at all.
_NEVER = 999.0
_SECONDS_A_DAY = 86_400.0
# What is bought again and again is, a season later, too.
_LASTING = 3.0

Floats = NDArray[np.float32]


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
    ages = np.maximum(clock - times, 0.0) / _SECONDS_A_DAY
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
        days_since=float(ages[0]) if len(ages) else _NEVER,
    )


def user_facts(own: OwnProducts, size: int) -> dict[str, Floats]:
    """How much is known of the user, the same for each of `size` candidates."""
    return {
        "user:products": np.full(size, own.seen, dtype=np.float32),
        "user:events": np.full(size, own.events, dtype=np.float32),
        "user:days": np.full(size, own.days_since, dtype=np.float32),
    }


def repeat_channels(own: OwnProducts | None, candidates: NDArray[np.int64]) -> dict[str, Floats]:
    """How much the user had each candidate, by three measures; shape (candidates,).

    Args:
        own: None where the user's own products are not listed: nothing speaks for them then.
    """
    if own is None:
        return {}
    rows, had = places(own.products, candidates)
    measures = {"decayed": own.decayed, "lasting": own.lasting, "often": own.counts}
    return {
        f"repeat:{name}": _where_had(measure, rows, had, 0.0) for name, measure in measures.items()
    }


def repeat_facts(own: OwnProducts | None, candidates: NDArray[np.int64]) -> dict[str, Floats]:
    """How often and how lately the user had each candidate; shape (candidates,).

    Args:
        own: None where the user's own products are not listed.
    """
    if own is None:
        return {}
    rows, had = places(own.products, candidates)
    return {
        "repeat:count": _where_had(own.counts, rows, had, 0.0),
        "repeat:days": _where_had(own.days, rows, had, _NEVER),
    }


def popularity_channels(
    week: Floats, month: Floats, quarter: Floats, ever: Floats
) -> dict[str, Floats]:
    """How popular candidates are by the users of each window, shape (candidates,).

    Channels and no facts: a catalogue grows, and what was much at one time is little at another.
    """
    windows = {"week": week, "month": month, "quarter": quarter, "all": ever}
    return {
        f"popular:{name}": np.log1p(users).astype(np.float32) for name, users in windows.items()
    }


def trend_facts(week: Floats, month: Floats) -> dict[str, Floats]:
    """How much more popular candidates are this week than in a usual one of the month."""
    usual = np.log1p(month * np.float32(7 / 30))
    return {"popular:trend": (np.log1p(week) - usual).astype(np.float32)}


def age_facts(
    first: NDArray[np.float64], released: NDArray[np.float64], clock: float
) -> dict[str, Floats]:
    """For how many days candidates have been there, its logarithm; and which nobody has touched.

    Args:
        first: the time of their first event, NaN where there was none, shape (candidates,).
        released: when they were released, NaN where unknown, shape (candidates,).
        clock: what now is; all in seconds since 1970.
    """
    untouched = np.isnan(first)
    days = (clock - np.where(untouched, released, first)) / _SECONDS_A_DAY
    return {
        "product:age": np.log1p(np.maximum(days, 0.0)).astype(np.float32),
        "product:untouched": untouched.astype(np.float32),
    }


def product_facts(
    own: OwnProducts,
    *,
    prices: Floats,
    labels: dict[str, NDArray[np.int64]],
    own_prices: Floats,
    own_labels: dict[str, NDArray[np.int64]],
) -> dict[str, Floats]:
    """Price against the user's usual, and how much of the user's taste shares each label.

    Args:
        prices: of the candidates, as logarithms, NaN where unknown, shape (candidates,).
        labels: "category" and "brand" of the candidates as numbers, 0 for none.
        own_prices: of `own.latest`, as `own_labels`.
    """
    shares = {
        f"product:{name}": _share(own_labels[name], own.latest_recent, label)
        for name, label in labels.items()
    }
    return {"product:price": _distance(prices, own_prices), **shares}


def heaviest(labels: NDArray[np.int64], weights: NDArray[np.float64], limit: int) -> list[int]:
    """The labels with most of the weight, heaviest first; 0 is none."""
    ids, rows = np.unique(labels, return_inverse=True)
    sums = np.bincount(rows, weights, len(ids)) * (ids != 0)
    best = np.argsort(-sums, kind="stable")[:limit]
    return [int(ids[row]) for row in best if sums[row] > 0]


def places(
    known: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted key is in a list of distinct keys, and whether it is; shape (wanted,)."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    order = np.argsort(known)
    rows = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return rows, known[rows] == wanted


def sorted_places(
    known: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same where the known keys ascend: among many, for the price of the wanted alone."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    rows = np.minimum(np.searchsorted(known, wanted), len(known) - 1).astype(np.int64)
    return rows, known[rows] == wanted


def _sums(places: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(places, values, size).astype(np.float64)


def _where_had(
    measure: NDArray[np.float64], rows: NDArray[np.int64], had: NDArray[np.bool_], never: float
) -> Floats:
    found = np.full(len(rows), never, dtype=np.float32)
    found[had] = measure[rows[had]]
    return found


def _share(
    own: NDArray[np.int64], weights: NDArray[np.float64], labels: NDArray[np.int64]
) -> Floats:
    total = float(weights.sum())
    if not total:
        return np.zeros(len(labels), dtype=np.float32)
    ids, rows = np.unique(own, return_inverse=True)
    shares = np.bincount(rows, weights, len(ids)) / total
    at, known = places(ids, labels)
    return np.where(known & (labels != 0), shares[at], 0.0).astype(np.float32)


def _distance(prices: Floats, own: Floats) -> Floats:
    known = own[np.isfinite(own)]
    usual = known.mean() if len(known) else np.float32(np.nan)
    return (prices - usual).astype(np.float32)
