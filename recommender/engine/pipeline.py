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
from recommender.engine import attribution, features, rerank, sources
from recommender.engine.answer import Item
from recommender.engine.candidates import Candidates, Cause, Hydrated, Keys, UserContext
from recommender.engine.sources.base import CandidateSource
from recommender.engine.store import CandidateStore
from recommender.ranking import table
from recommender.ranking.ranker import BASE, Ranker, Scored, reciprocal_rank
from recommender.ranking.table import Columns

# Of an item: the own products that led to it, the nearest interest, and what one sentence tells of.
_Reason = tuple[tuple[str, ...], str | None, Cause | None]


@dataclass(frozen=True)
class Pipeline:
    """What all lists of one request, or of one batch, are made with."""

    store: CandidateStore
    count: int  # how long the lists are to be
    also: tuple[CandidateSource, ...] = ()  # beside those of the table

    @cached_property
    def sources(self) -> tuple[CandidateSource, ...]:
        """All that propose and score."""
        return (*sources.of(self.store), *self.also)

    def is_personal(self, context: UserContext) -> bool:
        """Whether anything but what is popular speaks for a candidate."""
        return any(source.has_signal(context) for source in self.sources)

    def candidates(self, context: UserContext) -> Candidates:
        """Proposed, fused, hydrated, scored, with features."""
        kept = self.store.config.kept_for(self.count)
        return self._scored(self._hydrated(context, self._proposed(context, kept)))

    def candidates_of(self, context: UserContext, products: Keys) -> Candidates:
        """These products as candidates, whoever proposed them; ascending keys.

        Those that may not be listed are left out.
        """
        return self._scored(self._looked_up(context, self.store.hydrate(context, products)))

    def _scored(self, candidates: Candidates) -> Candidates:
        for source in self.sources:
            source.score(candidates)
        features.fill(candidates)
        return candidates

    def recommend(self, context: UserContext, ranker: Ranker, *, explain: bool) -> list[Item]:
        """The user's list, best first; empty where nothing is known of their taste.

        Args:
            explain: whether items name the own products that led to them.
        """
        if not self.is_personal(context):
            return []
        candidates = self.candidates(context)
        scored = ranker.scored(candidates.table)
        rows = rerank.rerank(candidates, scored.scores, self.count)
        return self._items(candidates, scored, rows, explain=explain)

    def _proposed(self, context: UserContext, kept: int | None) -> Keys:
        n = self.store.config.proposals_for(self.count)
        capped: list[Keys] = []
        all_kept: list[Keys] = []
        for source in self.sources:
            (all_kept if source.keeps_all else capped).extend(source.propose(context, n))
        proposed = fuse(capped, context.excluded, kept)
        return np.unique(np.concatenate([proposed, *all_kept])) if all_kept else proposed

    def _hydrated(self, context: UserContext, proposed: Keys) -> Candidates:
        hydrated = self.store.hydrate(context, proposed)
        left = len(hydrated.products.products)
        lost = len(proposed) - left
        if lost > left or (lost and left < self.count):
            # Much is sold out here: look on, past all that is.
            further = self.store.searched_further(context)
            if further is not None:
                context = further
                hydrated = self.store.hydrate(context, self._proposed(context, None))
        return self._looked_up(context, hydrated)

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
        self, candidates: Candidates, scored: Scored, rows: NDArray[np.int64], *, explain: bool
    ) -> list[Item]:
        contributions = scored.explain(rows)
        # Fusion gives nothing to what no source speaks for.
        spoken = [place for place, given in enumerate(contributions) if given.keys() - {BASE}]
        rows, contributions = rows[spoken], [contributions[place] for place in spoken]
        reasons: Iterable[_Reason] = repeat(((), None, None))
        if explain:
            reasons = self._reasons(candidates, rows, contributions)
        scores = scored.scores[rows].tolist()
        return [
            Item(
                *(candidates.products.ids[row], score, _strongest(given), given),
                because=because,
                interest=interest,
                cause=cause,
            )
            for row, score, given, (because, interest, cause) in zip(
                rows.tolist(), scores, contributions, reasons, strict=False
            )
        ]

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


def _strongest(contributions: Mapping[str, float]) -> str:
    return max(contributions.keys() - {BASE}, key=lambda name: (contributions[name], name))


def fuse(
    lists: Sequence[NDArray[np.int64]], excluded: NDArray[np.int64], limit: int | None
) -> NDArray[np.int64]:
    """Reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009): those proposed most and highest.

    Args:
        lists: of distinct keys each, best first.
        excluded: keys that must not be among them, ascending.
        limit: how many; None for all.

    Returns:
        Distinct keys, ascending.
    """
    if not lists:
        return np.zeros(0, dtype=np.int64)
    products, places = arrays.distinct(np.concatenate(lists))
    _, is_excluded = arrays.sorted_places(excluded, products)
    kept = np.flatnonzero(~is_excluded)
    if limit is not None and len(kept) > limit:
        worth = np.array([reciprocal_rank(1 + place) for place in range(max(map(len, lists)))])
        sums = np.bincount(places, np.concatenate([worth[: len(keys)] for keys in lists]))
        kept = np.sort(kept[arrays.largest(sums[kept].astype(np.float64), limit)])
    return products[kept]
