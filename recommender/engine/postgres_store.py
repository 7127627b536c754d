"""One user's context and candidates out of PostgreSQL: the store of live answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recommender.engine import hydrate, profile_search
from recommender.engine.answer import Query
from recommender.engine.candidates import Hydrated, Keys, UserContext
from recommender.engine.config import LIVE, CandidateConfig
from recommender.engine.profile_search import Profile, Signals
from recommender.engine.scores import own_products
from recommender.engine.stored import StoredUser, find_popularity
from recommender.models import Catalog, ProductNeighbor, Space
from recommender.profiles import builder
from recommender.spaces.switching import ServingSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStore:
    """What is stored of a catalog, as one user's answer needs it; a `CandidateStore`."""

    catalog: Catalog
    user: StoredUser
    query: Query
    # Whether the user's history is the request's, so that no profile of it is stored.
    is_given: bool = False
    config: CandidateConfig = LIVE
    # The kinds of item neighbours that propose.
    kinds: tuple[str, ...] = tuple(map(str, ProductNeighbor.OF_TASTE))

    @property
    def spaces(self) -> Sequence[ServingSpace]:
        return self.user.spaces

    @property
    def neighbour_kinds(self) -> Sequence[str]:
        return self.kinds

    @property
    def lists_own(self) -> bool:
        return self.query.lists_own

    def context(self) -> UserContext:
        """The user as of the time that is asked for: one statement.

        A profile that was made from another version of the history is made anew first.
        """
        history, before = self.user.history, self.query.before
        stands = find_popularity(self.catalog, self.user.popularity_refreshed_at, before)
        context = UserContext(
            own=own_products(
                history.product_ids,
                history.weights,
                history.times,
                half_life_days=self.catalog.half_life_days,
                clock=stands.now(),
            ),
            excluded=np.sort(self.user.excluded),
            lists_own=self.lists_own,
            profiles={},
            neighbours={},
            popularity=stands,
            clock=stands.now(),
            strongest_events=self.user.strongest_events(),
        )
        signals = self._signals(context)
        return replace(context, profiles=signals.profiles, neighbours=signals.neighbours)

    def hydrate(self, context: UserContext, products: Keys) -> Hydrated:
        profiles = [
            (space, context.profiles[space.name])
            for space in self.spaces
            if space.name in context.profiles
        ]
        return hydrate.hydrate(
            self.catalog.pk,
            products,
            context,
            profiles,
            self.query.filter,
            named=self.query.named,
        )

    def searched_further(self, context: UserContext) -> UserContext | None:
        if self.query.filter is not None:
            return None  # each product met was checked
        limit = self.config.searched_for(self.query.count)
        profiles = profile_search.search_available(context.profiles, self._profiles(), limit)
        return replace(context, profiles=profiles)

    def _signals(self, context: UserContext) -> Signals:
        limit = self.config.searched_for(self.query.count)
        profiles = self._profiles()
        signals = self._search(context, profiles, limit)
        stale = [space.pk for space in self.spaces if space.name not in signals.profiles]
        if not stale or not self.user.history_version or self._is_of_a_request():
            return signals
        for space in Space.objects.filter(pk__in=stale).select_related("catalog"):
            builder.refresh(space, [self.user.pk])
        return self._search(context, profiles, limit)

    def _search(self, context: UserContext, profiles: Sequence[Profile], limit: int) -> Signals:
        own = context.own if self.user.knows_neighbours else None
        return profile_search.search(
            self.catalog.pk, profiles, own, limit, kinds=self.kinds, filter=self.query.filter
        )

    def _profiles(self) -> Sequence[Profile]:
        """The user's profile in each space."""
        if self._is_of_a_request():
            return list(self._built())
        return [
            profile_search.stored(space, self.user.pk, self.user.history_version)
            for space in self.spaces
        ]

    def _is_of_a_request(self) -> bool:
        """Whether no stored profile is of this history."""
        return self.is_given or self.query.before is not None

    def _built(self) -> Iterator[Profile]:
        """Profiles that are in no table: of a history that was given, or before a time."""
        made = self.user.made
        missing = [space.pk for space in self.spaces if space.pk not in made]
        # Rows hold megabytes that no profile is made of.
        rows = Space.objects.filter(pk__in=missing).only("metric", "fold_in") if missing else ()
        for row in rows:
            row.catalog = self.catalog
            profiles = builder.build_of(row, {self.user.pk: self.user.history})
            made[row.pk] = profiles.get(self.user.pk, [])
        for space in self.spaces:
            if space.pk in made:
                yield profile_search.given(space, made[space.pk])
