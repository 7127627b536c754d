"""Candidates of many users, from a snapshot: every channel scores every product, in memory.

Live answers find their candidates in PostgreSQL instead; what is made of them is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.engine import channels, facts
from recommender.engine.facts import OwnProducts
from recommender.engine.snapshot import Snapshot, SpaceArrays
from recommender.profiles.history import MAX_EVENTS
from recommender.profiles.profile import INTEREST, History, ProfileRow, profile
from recommender.ranking.pool import CandidatePool

# Of so many similarities at once: 64 MB.
_MOST_SIMILARITIES = 1 << 24
_MOST_USERS = 250
_MOST_IN_A_POOL = 4_000
# The popularity that proposes candidates; the others only tell of them.
_PROPOSING = ("week", "month", "all")

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for a user: a row of the snapshot, −1 for one without history."""

    user: int
    excluded: Rows  # product rows that must not be listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A user's candidates as rows of the snapshot's products, with their channels and facts."""

    rows: Rows
    channels: Mapping[str, Floats]
    facts: Mapping[str, Floats]

    @property
    def is_personal(self) -> bool:
        """Whether anything but what is popular speaks for a candidate."""
        return any(
            scores.any()
            for name, scores in self.channels.items()
            if not name.startswith("popular:")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What all users of a batch are asked for alike, and the popular products it proposes."""

    listable: NDArray[np.bool_]
    lists_own: bool
    limit: int
    popular: Sequence[Rows]


def pooled(
    snapshot: Snapshot,
    wishes: Sequence[Wish],
    *,
    listable: NDArray[np.bool_],
    lists_own: bool,
    count: int,
) -> Iterator[Pooled]:
    """The candidates of each wish, in their order, with bounded memory.

    Args:
        listable: which products may be listed, shape (products,).
        lists_own: whether the user's own products are candidates.
        count: how long the lists are to be.
    """
    size = len(snapshot.products)
    block = max(1, min(_MOST_USERS, _MOST_SIMILARITIES // max(1, 8 * size)))
    limit = channels.listed(count)
    request = _Request(
        listable=listable,
        lists_own=lists_own,
        limit=limit,
        popular=_popular(snapshot, listable, limit),
    )
    for start in range(0, len(wishes), block):
        part = wishes[start : start + block]
        histories = [_history(snapshot, wish.user) for wish in part]
        owns = [_own(snapshot, history) for history in histories]
        profiles = [_profiles(snapshot, history) for history in histories]
        similarities = [_similarities(space, profiles) for space in snapshot.spaces]
        sums = _neighbour_scores(snapshot, owns)
        for place, wish in enumerate(part):
            scores = _space_scores(snapshot, profiles[place], [s[place] for s in similarities])
            scores |= {name: found[place] for name, found in sums.items()}
            yield _pool(snapshot, wish, scores, owns[place], request)


def candidate_pool(pooled: Sequence[Pooled]) -> CandidatePool:
    """Several users' candidates as a ranker takes them; products are rows of the snapshot."""
    names = sorted({name for each in pooled for name in each.channels})
    known = sorted({name for each in pooled for name in each.facts})
    return CandidatePool(
        sizes=np.array([len(each.rows) for each in pooled], dtype=np.int64),
        products=_joined([each.rows for each in pooled]),
        channels={name: _column(pooled, name, "channels") for name in names},
        facts={name: _column(pooled, name, "facts") for name in known},
    )


def _joined(parts: Sequence[Rows]) -> Rows:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _column(pooled: Sequence[Pooled], name: str, where: str) -> Floats:
    nothing = np.zeros(0, dtype=np.float32)
    parts = [nothing]
    for each in pooled:
        column = getattr(each, where).get(name)
        parts.append(np.zeros(len(each.rows), np.float32) if column is None else column)
    return np.concatenate(parts)


def _history(snapshot: Snapshot, user: int) -> History:
    """The user's latest events; products are rows."""
    events = snapshot.events_of(user, MAX_EVENTS) if user >= 0 else np.zeros(0, dtype=np.int64)
    found = snapshot.interactions
    return History(
        product_ids=found.products[events].astype(np.int64),
        weights=found.weights[events].astype(np.float64),
        times=found.times[events],
    )


def _own(snapshot: Snapshot, history: History) -> OwnProducts:
    return facts.own_products(
        history.product_ids,
        history.weights,
        history.times,
        half_life_days=snapshot.half_life_days,
        clock=snapshot.clock,
    )


def _profiles(snapshot: Snapshot, history: History) -> dict[str, list[ProfileRow]]:
    products = np.unique(history.product_ids)
    found = {}
    for space in snapshot.spaces:
        rows = space.vectors[products]
        has = np.any(rows != 0, axis=1)
        found[space.name] = profile(
            history,
            products[has],
            rows[has],
            metric=space.metric,
            half_life_days=snapshot.half_life_days,
            fold_in=space.fold_in,
        )
    return found


def _queries(rows: Sequence[ProfileRow]) -> list[ProfileRow]:
    """Those that are searched by: the heaviest interests, and all others."""
    return [row for row in rows if row.kind != INTEREST or row.position < channels.INTERESTS]


def _similarities(
    space: SpaceArrays, profiles: Sequence[Mapping[str, Sequence[ProfileRow]]]
) -> list[Floats]:
    """Each user's query vectors times all products, shape (queries, products); in one product."""
    queries = [_queries(each[space.name]) for each in profiles]
    stacked = [row.vector for rows in queries for row in rows]
    if not stacked:
        return [np.zeros((0, len(space.vectors)), dtype=np.float32) for _ in profiles]
    products = np.stack(stacked) @ space.vectors.T
    ends = np.cumsum([len(rows) for rows in queries])[:-1]
    return np.split(products, ends)


def _space_scores(
    snapshot: Snapshot,
    profiles: Mapping[str, Sequence[ProfileRow]],
    similarities: Sequence[Floats],
) -> dict[str, Floats]:
    """Every channel of the spaces, for all products."""
    scores: dict[str, Floats] = {}
    for space, found in zip(snapshot.spaces, similarities, strict=True):
        queries = _queries(profiles[space.name])
        if not queries:
            continue
        interests = [place for place, row in enumerate(queries) if row.kind == INTEREST]
        by_kind = {row.kind: found[at] for at, row in enumerate(queries) if row.kind != INTEREST}
        if interests:
            by_kind[INTEREST] = found[interests]
        weights = np.array([queries[place].weight for place in interests])
        scores |= channels.channel_scores(space.kind, space.name, space.metric, by_kind, weights)
    return scores


def _neighbour_scores(snapshot: Snapshot, owns: Sequence[OwnProducts]) -> dict[str, Floats]:
    """The channels of neighbours, each of shape (users, products)."""
    ends = np.concatenate([[0], np.cumsum([len(own.latest) for own in owns])])
    rows = np.concatenate([own.latest for own in owns])
    shape = (len(owns), len(snapshot.products))
    recent = np.concatenate([own.latest_recent for own in owns]).astype(np.float32)
    weights = {
        "all": csr_array((np.ones(len(rows), dtype=np.float32), rows, ends), shape=shape),
        "recent": csr_array((recent, rows, ends), shape=shape),
    }
    return {
        f"{kind}:{name}": np.asarray((own @ found).todense(), dtype=np.float32)
        for kind, found in snapshot.neighbours.items()
        for name, own in weights.items()
    }


def _popular(snapshot: Snapshot, listable: NDArray[np.bool_], limit: int) -> Sequence[Rows]:
    """By window, the listable products in the order of their popularity, as many as may matter."""
    proposals = []
    for window in _PROPOSING:
        users = np.where(listable, snapshot.popularity[window], 0.0)
        order = np.argsort(-users, kind="stable")[: limit + MAX_EVENTS]
        proposals.append(order[users[order] > 0])
    return proposals


def _pool(
    snapshot: Snapshot,
    wish: Wish,
    scores: Mapping[str, Floats],
    own: OwnProducts,
    request: _Request,
) -> Pooled:
    open_to = request.listable.copy()
    open_to[wish.excluded] = False
    proposed = [_best(score, open_to, request.limit) for score in scores.values()]
    proposed += [order[open_to[order]][: request.limit] for order in request.popular]
    proposed += _popular_in_categories(snapshot, own, open_to)
    if request.lists_own:
        mine = own.products[: channels.OWN_LISTED]
        proposed.append(mine[open_to[mine]])
    rows = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *proposed]))
    return Pooled(
        rows=rows,
        channels={
            **{name: score[rows] for name, score in scores.items()},
            **facts.popularity_channels(*(users[rows] for users in snapshot.popularity.values())),
            **facts.repeat_channels(own if request.lists_own else None, rows),
        },
        facts=_facts(snapshot, own, rows, lists_own=request.lists_own),
    )


def _best(score: Floats, open_to: NDArray[np.bool_], limit: int) -> Rows:
    """The open products with the highest scores above zero."""
    found = np.where(open_to, score, 0.0)
    many = len(found) > limit
    rows = np.argpartition(-found, limit)[:limit] if many else np.arange(len(found))
    return rows[found[rows] > 0].astype(np.int64)


def _popular_in_categories(
    snapshot: Snapshot, own: OwnProducts, open_to: NDArray[np.bool_]
) -> list[Rows]:
    codes = snapshot.products.categories
    wanted = facts.heaviest(
        codes[own.latest].astype(np.int64), own.latest_recent, channels.CATEGORIES
    )
    found = []
    for category in wanted:
        inside = np.flatnonzero((codes == category) & open_to)
        users = snapshot.popularity["month"][inside]
        best = np.argsort(-users, kind="stable")[: channels.LISTED_IN_CATEGORY]
        found.append(inside[best[users[best] > 0]].astype(np.int64))
    return found


def _facts(
    snapshot: Snapshot, own: OwnProducts, rows: Rows, *, lists_own: bool
) -> dict[str, Floats]:
    products, popularity = snapshot.products, snapshot.popularity
    labels = {"category": products.categories, "brand": products.brands}
    return {
        **facts.trend_facts(popularity["week"][rows], popularity["month"][rows]),
        **facts.age_facts(snapshot.first[rows], products.released[rows], snapshot.clock),
        **facts.product_facts(
            own,
            prices=products.prices[rows],
            labels={name: codes[rows].astype(np.int64) for name, codes in labels.items()},
            own_prices=products.prices[own.latest],
            own_labels={name: codes[own.latest].astype(np.int64) for name, codes in labels.items()},
        ),
        **facts.repeat_facts(own if lists_own else None, rows),
        **facts.user_facts(own, len(rows)),
    }
