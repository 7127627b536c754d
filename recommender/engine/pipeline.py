"""The one road to a list, live, in batches, in training and in evaluation:

context → sources → fuse → hydrate and filter → features → rank → rerank → explain → backfill

A store makes the context and hydrates; the last stage is `backfill`'s, which completes lists.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine import attribution, features, fusion, rerank, sources, trace
from recommender.engine.answer import Item
from recommender.engine.candidates import Candidates, Cause, Hydrated, Keys, UserContext
from recommender.engine.rerank import PINNED, Reranked, Reranker
from recommender.engine.scores import BEHAVIOUR, COSINE
from recommender.engine.sources.base import CandidateSource
from recommender.engine.store import CandidateStore
from recommender.ranking import table
from recommender.ranking.ranker import BASE, Ranker, Scored
from recommender.ranking.table import Columns

# Of an item: the own products that led to it, the nearest interest, and what one sentence tells of.
_Reason = tuple[tuple[str, ...], str | None, Cause | None]

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a source proposes: lists of keys, each best first."""

    source: CandidateSource
    lists: Sequence[Keys]

    @property
    def products(self) -> Keys:
        """All of it, ascending."""
        return np.unique(np.concatenate([_NONE, *self.lists]))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list, best first, and the keys of those that would come next."""

    items: list[Item]
    tail: Keys


@dataclass(frozen=True)
class Pipeline:
    """What all lists of one request, or of one batch, are made with."""

    store: CandidateStore
    count: int  # how long the lists are to be
    control: Reranker | None = None  # what makes the list; relevance alone where None
    also: tuple[CandidateSource, ...] = ()  # beside those of the table

    @cached_property
    def sources(self) -> tuple[CandidateSource, ...]:
        """All that propose and score."""
        return (*sources.of(self.store), *self.also)

    @cached_property
    def _likeness_by(self) -> Sequence[str]:
        """The spaces that say which products are alike: of content, else of behaviour."""
        cosine = [space for space in self.store.spaces if space.metric == COSINE]
        content = [space.name for space in cosine if space.kind != BEHAVIOUR]
        return content or [space.name for space in cosine]

    def is_personal(self, context: UserContext) -> bool:
        """Whether anything but what is popular speaks for a candidate."""
        return any(source.has_signal(context) for source in self.sources)

    def candidates(self, context: UserContext, also: Keys = _NONE) -> Candidates:
        """Proposed, fused, hydrated, scored, with features.

        Args:
            also: keys of products that are candidates, whoever proposes them.
        """
        return self._scored(self._hydrated(context, also))

    def candidates_of(self, context: UserContext, products: Keys) -> Candidates:
        """These products as candidates, whoever proposed them; ascending keys.

        Those that may not be listed are left out.
        """
        return self._scored(self._looked_up(context, self._read(context, products)))

    def _scored(self, candidates: Candidates) -> Candidates:
        with trace.stage("features"):
            for source in self.sources:
                source.score(candidates)
            features.fill(candidates, self._likeness_by)
        return candidates

    def recommend(self, context: UserContext, ranker: Ranker, *, explain: bool) -> list[Item]:
        """The user's list, best first; empty where nothing is known of their taste.

        Args:
            explain: whether items name the own products that led to them.
        """
        return self.ranked(context, ranker, explain=explain).items

    def ranked(
        self,
        context: UserContext,
        ranker: Ranker,
        *,
        explain: bool,
        spare: int = 0,
        tail: Keys = _NONE,
    ) -> Ranked:
        """The same, and what would come next.

        Args:
            spare: how many of those.
            tail: what would have come next on the page before, best first: it goes first now.
        """
        if not self.is_personal(context):
            return Ranked([], _NONE)
        also = np.setdiff1d(tail, context.excluded)
        if self.control is not None:
            also = np.union1d(also, self.control.keys())
        candidates = self.candidates(context, also)
        with trace.stage("rank"):
            scored = ranker.scored(candidates.table)
        with trace.stage("rerank"):
            chosen, next_rows = self._chosen(candidates, scored.scores, spare, tail)
            trace.note(ranked=len(candidates), listed=len(chosen.rows))
        with trace.stage("explain"):
            items = self._items(candidates, scored, chosen, explain=explain)
        return Ranked(items, candidates.table.products[next_rows])

    def _chosen(
        self, candidates: Candidates, scores: NDArray[np.float64], spare: int, tail: Keys
    ) -> tuple[Reranked, NDArray[np.int64]]:
        """The list, and the rows of those that would come next."""
        if self.control is not None:
            chosen = self.control.choose(candidates.products.ids, scores, self.count)
            others = scores.copy()
            others[chosen.rows] = -np.inf
            return chosen, rerank.best(others, spare).rows
        most = max(self.count + spare, len(tail) and len(candidates))
        rows = rerank.best(scores, most).rows
        if len(tail):
            rows = _those_first(candidates.table.products[rows], rows, tail, self.count)
        return Reranked(rows=rows[: self.count]), rows[self.count :][:spare]

    def proposals(self, context: UserContext) -> list[Proposal]:
        """What each source proposes, left out by the answer or not."""
        n = self.store.config.proposals_for(self.count)
        with trace.stage("sources"):
            proposed = [Proposal(source, source.propose(context, n)) for source in self.sources]
            if trace.is_recording():
                trace.note(**{one.source.name: len(one.products) for one in proposed})
        return proposed

    def fused(
        self, context: UserContext, proposals: Sequence[Proposal], *, all_of_them: bool = False
    ) -> Keys:
        """The candidates that fusion keeps of what is proposed; ascending keys."""
        capped = [keys for one in proposals if not one.source.keeps_all for keys in one.lists]
        all_kept = [keys for one in proposals if one.source.keeps_all for keys in one.lists]
        with trace.stage("fuse"):
            limit = None if all_of_them else self.store.config.kept_for(self.count)
            kept = fusion.fuse(capped, context.excluded, limit)
            if all_kept:
                kept = np.unique(np.concatenate([kept, *all_kept]))
            if trace.is_recording():
                given = np.unique(np.concatenate([_NONE, *capped, *all_kept]))
                excluded = len(np.intersect1d(given, context.excluded))
                trace.note(proposed=len(given), excluded=excluded, kept=len(kept))
        return kept

    def _hydrated(self, context: UserContext, also: Keys) -> Candidates:
        proposed = np.union1d(self.fused(context, self.proposals(context)), also)
        hydrated = self._read(context, proposed)
        left = len(hydrated.products.products)
        lost = len(proposed) - left
        if lost > left or (lost and left < self.count):
            # Much is sold out here: look on, past all that is.
            further = self.store.searched_further(context)
            if further is not None:
                context = further
                proposed = self.fused(context, self.proposals(context), all_of_them=True)
                hydrated = self._read(context, np.union1d(proposed, also))
        return self._looked_up(context, hydrated)

    def _read(self, context: UserContext, products: Keys) -> Hydrated:
        with trace.stage("hydrate"):
            hydrated = self.store.hydrate(context, products)
            trace.note(candidates=len(products), kept=len(hydrated.products.products))
        return hydrated

    def _looked_up(self, context: UserContext, hydrated: Hydrated) -> Candidates:
        """Candidates of which all is known, and which nothing has scored yet."""
        keys = hydrated.products.products
        return Candidates(
            context=context,
            products=hydrated.products,
            own=hydrated.own,
            similarities=hydrated.similarities,
            causes=hydrated.causes,
            popularity=context.popularity.of(keys),
            table=table.empty(self._columns(context), keys),
        )

    def _columns(self, context: UserContext) -> Columns:
        """By name: what is learnt from columns must not depend on the order of sources."""
        scores = sorted(column for source in self.sources for column in source.columns)
        names = sorted(features.names(lists_own=context.lists_own))
        return table.columns(tuple(scores), tuple(names))

    def _items(
        self, candidates: Candidates, scored: Scored, chosen: Reranked, *, explain: bool
    ) -> list[Item]:
        rows = chosen.rows
        contributions = scored.explain(rows)
        # Fusion gives nothing to what no source speaks for; what is pinned needs nobody to.
        spoken = [
            place
            for place, (row, given) in enumerate(zip(rows.tolist(), contributions, strict=True))
            if given.keys() - {BASE} or chosen.placed.get(row) == PINNED
        ]
        rows, contributions = rows[spoken], [contributions[place] for place in spoken]
        reasons: Iterable[_Reason] = repeat(((), None, None))
        if explain:
            reasons = self._reasons(candidates, rows, contributions)
        scores = scored.scores[rows].tolist()
        items = []
        for row, score, given, (because, interest, cause) in zip(
            rows.tolist(), scores, contributions, reasons, strict=False
        ):
            item = Item(
                *(candidates.products.ids[row], score, _strongest(given), given),
                because=because,
                interest=interest,
                cause=cause,
            )
            items.append(item.reranked(chosen.of(row)))
        return items

    def _reasons(
        self,
        candidates: Candidates,
        rows: NDArray[np.int64],
        contributions: Sequence[Mapping[str, float]],
    ) -> Iterator[_Reason]:
        """The own products that led to each item. An item had before is the plainest reason."""
        attributions = [
            credit for source in self.sources for credit in source.attribute(candidates, rows)
        ]
        items = candidates.table.products[rows]
        led = attribution.strongest(attributions, items, contributions)
        interests = attribution.nearest_interests(candidates, rows).tolist()
        events, ids = candidates.context.strongest_events, candidates.products.ids
        products = items.tolist()
        causes = {
            product: Cause(ids[row], event=events.get(product, ""))
            for product, row in zip(products, rows.tolist(), strict=True)
        }
        causes |= candidates.causes()
        had = set(candidates.context.own.products.tolist())
        for product, keys, interest in zip(products, led, interests, strict=True):
            because = [causes[key] for key in keys if key in causes]
            nearest = causes.get(interest)
            yield (
                tuple(cause.id for cause in because),
                None if nearest is None else nearest.id,
                causes[product] if product in had else next(iter(because), None),
            )


def _those_first(products: Keys, rows: NDArray[np.int64], tail: Keys, count: int) -> Keys:
    """The rows with those of the tail first, in its order; the first `count` by their rank.

    Args:
        products: of the rows, which come best first.
    """
    places, found = arrays.places(tail, products)
    order = np.argsort(np.where(found, places, len(tail) + np.arange(len(rows))), kind="stable")
    reordered: Keys = rows[np.concatenate([np.sort(order[:count]), order[count:]])]
    return reordered


def _strongest(contributions: Mapping[str, float]) -> str:
    named = contributions.keys() - {BASE}
    return max(named, key=lambda name: (contributions[name], name), default=PINNED)
