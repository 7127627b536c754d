"""One user's candidates out of PostgreSQL, as a ranker takes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from recommender.engine import (
    because,
    channels,
    described,
    facts,
    proposals,
    searching,
    together,
    windows,
)
from recommender.engine.answer import Query
from recommender.engine.because import Trace
from recommender.engine.described import Described, Labels
from recommender.engine.facts import OwnProducts
from recommender.engine.searching import Found, Profile, Vector
from recommender.engine.subject import Subject
from recommender.engine.together import Neighbours
from recommender.engine.windows import Windows
from recommender.models import Catalog, ProfileVector, Space
from recommender.profiles import builder
from recommender.ranking.pool import CandidatePool
from recommender.spaces.serving import ServingSpace

Kind = ProfileVector.Kind
# Each channel proposes so many, and three for each place of a long list; of all that is proposed,
# what most channels propose is looked at. A batch looks at all: live, each candidate costs
# look-ups.
_LISTED = 60
_LISTED_IN_CATEGORY = 30
# What a walk through an index proposes: the further it walks, the longer it takes.
_WALKED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks of a user's taste, and what it proposes."""

    own: OwnProducts
    lists_own: bool
    profiles: tuple[Profile, ...]
    found: Found
    neighbours: Neighbours
    windows: Windows

    @property
    def is_personal(self) -> bool:
        """Whether there is anything to go by but what is popular."""
        return bool(
            any(self.found.vectors.values())
            or self.neighbours.links
            or (self.lists_own and self.own.counts.size)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The pool of one request, and what an explanation needs beside it."""

    pool: CandidatePool
    evidence: Evidence
    described: Described

    def __len__(self) -> int:
        return len(self.pool.products)

    def traces(self, rows: NDArray[np.int64]) -> list[Trace]:
        """Which own products the parts of the scores in these rows go back to."""
        items = self.pool.products[rows]
        return [*self._vector_traces(rows)] + [
            because.of_links(kind, links.sources, links.targets, links.scores, items)
            for kind, links in self.evidence.neighbours.links.items()
        ]

    def interests(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of these candidates the key of the product that stands for the interest nearest to each.

        0 where there is none; shape (rows,).
        """
        found = [each for each in self._compared() if each[1].kind == Kind.INTEREST]
        if not found:
            return np.zeros(len(rows), dtype=np.int64)
        near = np.stack([similarity[rows] for *_, similarity in found])
        anchors = np.array([vector.product_id for _, vector, _ in found], dtype=np.int64)
        return np.where(near.max(axis=0) > 0, anchors[near.argmax(axis=0)], 0)

    def _vector_traces(self, rows: NDArray[np.int64]) -> Iterator[Trace]:
        speaking = [each for each in self._compared() if each[1].kind != Kind.NEGATIVE]
        for kind in dict.fromkeys(space.kind for space, *_ in speaking):
            found = [each for each in speaking if each[0].kind == kind]
            yield because.of_vectors(
                kind,
                np.array([vector.product_id for _, vector, _ in found], dtype=np.int64),
                np.stack([similarity for *_, similarity in found]),
                np.array([vector.weight for _, vector, _ in found]),
                rows,
            )

    def _compared(self) -> Iterator[tuple[ServingSpace, Vector, NDArray[np.float32]]]:
        """Each vector that candidates were compared with, and how near they are."""
        for profile in self.evidence.profiles:
            for vector in self.evidence.found.vectors.get(profile.space.pk, ()):
                key = (profile.space.pk, vector.kind, vector.position)
                yield profile.space, vector, self.described.similarities[key]


def gather(catalog: Catalog, subject: Subject, query: Query) -> Evidence:
    """The evidence of a user's taste as of the time that is asked for."""
    stood = windows.find(catalog, subject.popularity_refreshed_at, query.before)
    own = facts.own_products(
        subject.history.product_ids,
        subject.history.weights,
        subject.history.times,
        half_life_days=catalog.half_life_days,
        clock=stood.now(),
    )
    knows = subject.knows_neighbours
    neighbours = together.find(catalog.pk, own) if knows else Neighbours()
    # Where there are neighbours, a walk in a space of behaviour finds next to nothing that they
    # do not propose. They know nothing of a filter.
    profiles, found = _profiles(
        subject, query, in_behaviour=not neighbours.links or query.filter is not None
    )
    return Evidence(
        own=own,
        lists_own=not query.exclude,
        profiles=profiles,
        found=found,
        neighbours=neighbours,
        windows=stood,
    )


def candidates(catalog: Catalog, subject: Subject, query: Query, evidence: Evidence) -> Candidates:
    """All that may be listed of what the evidence proposes, and all that is known of it."""
    most = _looked_at(query.count) if query.filter is None else None
    proposed = _proposed(subject, query, evidence, evidence.found.lists, most)
    known = _described(catalog, query, evidence, proposed)
    left = len(known.candidates.products)
    lost = len(proposed) - left
    if query.filter is None and lost > 0 and (lost > left or left < query.count):
        # Much is sold out here: look on, past all that is.
        near = searching.search(evidence.profiles, _walked(query.count), checked=True)
        proposed = _proposed(subject, query, evidence, near.lists, None)
        known = _described(catalog, query, evidence, proposed)
    return Candidates(pool=_pool(evidence, known), evidence=evidence, described=known)


def _listed(count: int) -> int:
    """How many candidates each channel proposes for a list of this length."""
    return max(_LISTED, 3 * count)


def _looked_at(count: int) -> int:
    """How many of all that is proposed are looked at."""
    return 5 * _listed(count) // 2


def _walked(count: int) -> int:
    """How many candidates each walk through an index proposes."""
    return max(_WALKED, count + count // 2)


def _profiles(
    subject: Subject, query: Query, *, in_behaviour: bool
) -> tuple[tuple[Profile, ...], Found]:
    """The user's profile in each space, made anew where it is not of today's history."""
    search = partial(
        searching.search,
        limit=_walked(query.count),
        in_behaviour=in_behaviour,
        checked=query.filter is not None,
        filter=query.filter,
    )
    if query.before is not None:
        profiles = tuple(_as_of(subject, query.before))
        return profiles, search(profiles)
    profiles = tuple(
        searching.stored(space, subject.pk, subject.history_version) for space in subject.spaces
    )
    found = search(profiles)
    stale = [space.pk for space in subject.spaces if space.pk not in found.vectors]
    if stale and subject.history_version:
        for space in Space.objects.filter(pk__in=stale).select_related("catalog"):
            builder.refresh(space, [subject.pk])
        found = search(profiles)
    return profiles, found


def _as_of(subject: Subject, before: datetime) -> Iterator[Profile]:
    spaces = {space.pk: space for space in subject.spaces}
    for row in Space.objects.filter(pk__in=spaces).select_related("catalog"):
        profile = builder.build(row, [subject.pk], before).get(subject.pk, [])
        yield searching.given(spaces[row.pk], profile)


def _proposed(
    subject: Subject,
    query: Query,
    evidence: Evidence,
    near: Sequence[NDArray[np.int64]],
    most: int | None,
) -> NDArray[np.int64]:
    """Keys of what the channels propose, without what must be left out, ascending.

    Args:
        near: what the walks found.
        most: how many are looked at beside the user's own products; None for all of them.
    """
    limit = _listed(query.count)
    own, stood = evidence.own, evidence.windows
    lists = [*near, *evidence.neighbours.best(limit)]
    lists += [stood.best(window, limit) for window in windows.PROPOSING]
    lists += [
        stood.best_in(category, _LISTED_IN_CATEGORY) for category in stood.heaviest_categories(own)
    ]
    found = proposals.fused(lists, subject.excluded, most)
    if not evidence.lists_own:
        return found
    mine = own.products[: channels.OWN_LISTED]
    return np.union1d(found, np.setdiff1d(mine, subject.excluded))


def _described(
    catalog: Catalog, query: Query, evidence: Evidence, proposed: NDArray[np.int64]
) -> Described:
    vectors = [vector for found in evidence.found.vectors.values() for vector in found]
    anchors = [vector.product_id for vector in vectors if vector.product_id is not None]
    own = np.union1d(evidence.own.latest, np.array(anchors, dtype=np.int64))
    profiles = [
        (each.space, evidence.found.vectors.get(each.space.pk, ())) for each in evidence.profiles
    ]
    return described.describe(catalog.pk, proposed, own, profiles, query.filter)


def _pool(evidence: Evidence, known: Described) -> CandidatePool:
    products = known.candidates.products
    own = evidence.own
    stood = evidence.windows.of(products)
    scores: dict[str, NDArray[np.float32]] = {}
    for profile in evidence.profiles:
        scores |= _space_scores(profile, evidence.found, known)
    mine = _aligned(known.own, own.latest)
    return CandidatePool(
        sizes=np.array([len(products)], dtype=np.int64),
        products=products,
        channels={
            **scores,
            **evidence.neighbours.scores(products),
            **facts.popularity_channels(*stood.users.values()),
            **facts.repeat_channels(own if evidence.lists_own else None, products),
        },
        facts={
            **facts.trend_facts(stood.users["week"], stood.users["month"]),
            **facts.age_facts(stood.first, known.released, evidence.windows.now()),
            **facts.product_facts(
                own,
                prices=known.candidates.prices,
                labels=dict(known.candidates.labels),
                own_prices=mine.prices,
                own_labels=dict(mine.labels),
            ),
            **facts.repeat_facts(own if evidence.lists_own else None, products),
            **facts.user_facts(own, len(products)),
        },
    )


def _space_scores(
    profile: Profile, found: Found, known: Described
) -> Mapping[str, NDArray[np.float32]]:
    space = profile.space
    vectors = sorted(found.vectors.get(space.pk, ()), key=lambda vector: vector.position)
    by_kind: dict[str, NDArray[np.float32]] = {}
    interests = [vector for vector in vectors if vector.kind == Kind.INTEREST]
    for vector in vectors:
        if vector.kind != Kind.INTEREST:
            by_kind[vector.kind] = known.similarities[space.pk, vector.kind, vector.position]
    if interests:
        by_kind[Kind.INTEREST] = np.stack(
            [known.similarities[space.pk, v.kind, v.position] for v in interests]
        )
    weights = np.array([vector.weight for vector in interests])
    return channels.channel_scores(space.kind, space.name, space.metric, by_kind, weights)


def _aligned(labels: Labels, products: NDArray[np.int64]) -> Labels:
    """The labels of these products, all of which are there, in their order."""
    rows, _ = facts.places(labels.products, products)
    return Labels(
        ids=[labels.ids[row] for row in rows],
        products=products,
        prices=labels.prices[rows],
        labels={name: each[rows] for name, each in labels.labels.items()},
    )
