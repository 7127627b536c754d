"""The rules of one request at work: further candidates for them, and the list that they make."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import backfill, pinned, rerank, rule_columns, trace
from recommender.engine.answer import MAX_COUNT, Answer, Item, Query
from recommender.engine.backfill import Listed
from recommender.engine.rerank import PINNED, Exploration, Reranked
from recommender.models import Catalog
from recommender.retrieval.filters import Filter
from recommender.spaces.switching import ServingSpace

# Rules choose from so many products at least, and from so many for each place.
_POOL, _POOL_A_PLACE = 100, 4
# Of products to explore and to promote, so many are looked at beside those that are candidates.
_EXPLORED, _PROMOTED = 50, 50

_Scale = tuple[float, float] | None


class Control:
    """What makes one list by the rules of a request, for one user or for nobody.

    It remembers what there is to say of them in the answer.
    """

    def __init__(
        self,
        catalog: Catalog,
        query: Query,
        *,
        user: int = 0,
        excluded: Sequence[int] = (),
        spaces: Sequence[ServingSpace] | None = None,
    ) -> None:
        assert query.rules is not None  # noqa: S101 - whoever has none needs no control
        self._catalog = catalog
        self._query = query
        self._given = query.rules
        self._rules = query.rules.rules
        self._user = user
        self._spaces = spaces  # those that serve; None where they are not known yet
        self._excluded = (*excluded, *query.after.shown)
        self.degraded: dict[str, str] = {}  # rules that did not run, and why
        for condition in query.rules.reads.conditions:
            self.degraded |= condition.degraded
        if query.rules.rules.rotation is not None and not user:
            self.degraded["rotation"] = "no_user"
        self.irrelevant = 0  # candidates below the minimum of relevance

    def keys(self) -> NDArray[np.int64]:
        """Keys of products that become candidates for the rules alone, whatever proposes them.

        What is pinned is listed whatever the user had.
        """
        listed = [one.key for one in (*self._promotable, *self._explorable)]
        return np.array([*listed, *self._pinned.values()], dtype=np.int64)

    def choose(
        self,
        ids: Sequence[str],
        scores: NDArray[np.float64],
        count: int,
        *,
        scale: _Scale = None,
        listed: int = 0,
    ) -> Reranked:
        """The candidates that the rules list, of those with these ids and scores.

        Args:
            scale: the scores whose relevance is 0 and 1, where they mean the same in every list.
            listed: so many of the first are in the list already.
        """
        with trace.stage("rules"):
            columns = rule_columns.read(self._catalog, ids, self._given, self._user, self._spaces)
        chosen = rerank.rerank(
            scores,
            count,
            self._rules,
            columns,
            scale=scale,
            listed=listed,
            exploration=self._exploration(columns.keys),
        )
        trace.note(**_told(chosen))
        # What a filled list lacks, it lacked before.
        if not listed:
            self.degraded |= chosen.degraded
            self.irrelevant = chosen.irrelevant
        return chosen

    def listed(self, make: Callable[[Query], Answer], scale: _Scale = None) -> Answer:
        """The answer that the rules make of a road that needs no user.

        Args:
            make: the road; it lists as many as its query asks for, of what passes its filter.
        """
        query = self._query
        plain = replace(query, rules=None, fields=())
        count = min(MAX_COUNT, max(_POOL, _POOL_A_PLACE * query.count))
        answer = make(replace(plain, count=count))
        pool = {item.id: item for item in answer.items}
        for further, number in self._further():
            narrowed = replace(plain, count=number, filter=further & query.filter)
            more = make(narrowed)
            if more.fallback == answer.fallback:
                pool = {item.id: item for item in more.items} | pool
        pool |= {name: _pinned_item(name) for name in self._pinned if name not in pool}
        items = sorted(pool.values(), key=lambda item: -item.score)
        scores = np.array([item.score for item in items], dtype=np.float64)
        chosen = self.choose([item.id for item in items], scores, query.count, scale=scale)
        completed = backfill.complete(
            self._catalog,
            [items[row].reranked(chosen.of(row)) for row in chosen.rows.tolist()],
            query,
            excluded=self._excluded,
            spaces=answer.spaces,
            missing_ids=answer.missing_ids,
            fallback=answer.fallback,
        )
        return self.told(replace(completed, degraded=answer.degraded))

    def told(self, answer: Answer) -> Answer:
        """The answer with what there is to say of the rules."""
        reason = answer.reason
        if reason is not None and self.irrelevant:
            reason += f"; {self.irrelevant} candidates are below min_relevance"
        if reason is not None and self._rules.caps:
            reason += "; max_per leaves no more of the candidates"
        return replace(answer, reason=reason, degraded={**answer.degraded, **self.degraded})

    def fill(self, items: dict[str, Item]) -> None:
        """Add popular, then new products to a short list, as far as the rules let them."""
        query = self._query
        if len(items) >= query.count or self._rules.min_relevance:
            return
        pool = dict(items)
        count = min(MAX_COUNT, len(items) + max(_POOL, query.count))
        backfill.fill(
            self._catalog,
            pool,
            replace(query, count=count, fields=()),
            excluded=self._excluded,
            filter=query.filter,
        )
        all_items = list(pool.values())
        scores = np.array([item.score for item in all_items], dtype=np.float64)
        chosen = self.choose(list(pool), scores, query.count, listed=len(items))
        had = len(items)
        items.clear()
        for row in chosen.rows.tolist():
            item = all_items[row]
            items[item.id] = item if row < had else item.reranked(chosen.of(row))

    def _further(self) -> Iterator[tuple[Filter, int]]:
        """Filters of what the rules look at beside what is listed anyway, and how many."""
        if self._given.reads.promoted is not None:
            yield self._given.reads.promoted, ceil(self._rules.promotion * self._query.count) or 1
        if self._explorable:
            keys = [one.key for one in self._explorable]
            yield among(keys), len(keys)

    @cached_property
    def _promotable(self) -> Sequence[Listed]:
        """What passes the promotion's filter, what is popular of it first."""
        if self._given.reads.promoted is None:
            return ()
        condition = self._given.reads.promoted & self._query.filter
        return [
            *self._standing(backfill.popular, condition, _PROMOTED),
            *self._standing(backfill.newest, condition, _PROMOTED),
        ]

    @cached_property
    def _explorable(self) -> Sequence[Listed]:
        """What is new."""
        if not self._rules.exploration:
            return ()
        return self._standing(backfill.newest, self._query.filter, _EXPLORED)

    @cached_property
    def _pinned(self) -> Mapping[str, int]:
        """The keys of the pinned products that can be listed, by id; why others cannot is told."""
        pins = self._rules.pins
        if not pins:
            return {}
        found = pinned.find(self._catalog, [pin.product for pin in pins], self._query.filter)
        standing: dict[str, int] = {}
        for pin in pins:
            one = found[pin.product]
            is_beyond = pin.place > self._query.count
            obstacle = one.obstacle or (pinned.BEYOND if is_beyond else None)
            if obstacle is not None:
                self.degraded[f"rules.{pin.by.id}"] = obstacle
            elif one.key not in self._query.after.shown:
                standing[pin.product] = one.key
        return standing

    def _standing(
        self, read: Callable[..., list[Listed]], condition: Filter | None, limit: int
    ) -> Sequence[Listed]:
        return read(
            self._catalog,
            limit,
            filter=condition,
            excluded=self._excluded,
            before=self._query.before,
        )

    def _exploration(self, keys: NDArray[np.int64]) -> Exploration | None:
        """The candidates that are new, and what became of those who saw them."""
        if not self._rules.exploration:
            return None
        rows = np.flatnonzero(np.isin(keys, [one.key for one in self._explorable]))
        shown, chosen = rule_columns.tries(keys[rows].tolist())
        return Exploration(rows=rows, shown=shown, chosen=chosen, rng=np.random.default_rng())


def _pinned_item(name: str) -> Item:
    """A pinned product that the list would not have."""
    return Item(name, 0.0, PINNED, {PINNED: 0.0})


def _told(chosen: Reranked) -> dict[str, int]:
    """How many candidates each rule did something to."""
    changed = {name: int(np.count_nonzero(change)) for name, change in chosen.changes.items()}
    placed = Counter(chosen.placed.values())
    return {**changed, **placed, "below_min_relevance": chosen.irrelevant}


def among(keys: Sequence[int]) -> Filter:
    """The filter that these products pass."""
    text = database.array_text(keys)
    key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    condition = sql.SQL("p.id = ANY(%(among_new)s::bigint[])")
    return Filter(condition, {"among_new": text}, key)


def controlled(
    catalog: Catalog,
    query: Query,
    make: Callable[[Query], Answer],
    *,
    scale: _Scale = None,
    excluded: Sequence[int] = (),
) -> Answer:
    """The answer of a road that needs no user, by the rules of the query where it has any.

    Args:
        make: the road; it lists as many as its query asks for, of what passes its filter.
        scale: the scores whose relevance is 0 and 1, where they mean the same in every list.
        excluded: keys of the products that the road leaves out.
    """
    if query.rules is None:
        return make(query)
    return Control(catalog, query, excluded=excluded).listed(make, scale)
