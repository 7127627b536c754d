"""What speaks of a user's taste: profiles, what is nearest to them, item neighbours; one statement.

What is found is not checked here: the statement that hydrates the candidates does that, once for
each. Only where a filter is asked for, or too few would be left, each product met is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.engine.candidates import SpaceProfile
from recommender.engine.config import INTERESTS
from recommender.engine.item_neighbours import NEXT, ItemNeighbours, Links, summed
from recommender.engine.scores import OwnProducts
from recommender.models import ProfileVector, Space
from recommender.profiles import builder
from recommender.profiles.profile import ProfileRow
from recommender.retrieval import vector_search
from recommender.retrieval.filters import Filter
from recommender.retrieval.vector_search import QueryVectors
from recommender.spaces import partitions
from recommender.spaces.switching import ServingSpace

Kind = ProfileVector.Kind
Keys = NDArray[np.int64]
STORED, GIVEN = "stored", "given"

# Each vector that is searched from costs a walk through an index, so few are: in one space of
# behaviour its long-term factor, if at all, and in each of content the heaviest interest, or more
# of them where there is no behaviour. All vectors are compared with what the searches find.
_INTERESTS_BESIDE_BEHAVIOUR = 1

_STORED = sql.SQL("""
SELECT kind, position, weight, product_id, embedding FROM {profiles}
WHERE user_id = %(user)s AND history_version >= %(version)s
""")

_GIVEN = sql.SQL("""
SELECT kind, position, weight, product_id, embedding::halfvec FROM
unnest({kinds}::text[], {positions}::int[], {weights}::float8[], {products}::bigint[],
       {vectors}::text[]) AS given(kind, position, weight, product_id, embedding)
""")

# Rows of (space, kind, position, weight, product, vector, products), a vector of a profile each.
_PROFILE_ROWS = sql.SQL("""
(SELECT {space} AS space_id, q.kind, q.position, q.weight, q.product_id,
    halfvec_send(q.embedding) AS numbers, n.products
FROM ({source}) q LEFT JOIN LATERAL (
    SELECT array_send(array_agg(f.product_id)) AS products FROM ({search}) f WHERE {searched}
) n ON true WHERE q.position < {compared})
""")

# Rows of the same columns: no space, the kind of neighbours, the own product, scores, products.
_NEIGHBOURS = sql.SQL("""
(SELECT NULL::bigint AS space_id, kind, 0 AS position, 0::float8 AS weight, product_id,
    scores AS numbers, products
FROM neighbour)
""")

_SIGNALS = sql.SQL("""
WITH neighbour AS (
    SELECT n.kind, n.product_id, array_send(n.products) AS products, array_send(n.scores) AS scores
    FROM recommender_productneighbor n
    WHERE n.product_id = ANY(%(own)s::bigint[]) AND n.catalog_id = %(catalog)s
      AND n.kind = ANY(%(kinds)s) AND (n.kind <> {next} OR n.product_id = ANY(%(last)s::bigint[]))
      AND n.products <> '{{}}'
)
{parts}
""")

_KEYED = sql.SQL("""
SELECT row_number() OVER ()::int, q.weight, q.product_id, q.embedding FROM ({source}) q
WHERE q.embedding IS NOT NULL AND {searched}
""")


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the vectors of a user's profile in a space come from: a SELECT of kind, position,
    weight, product_id and embedding, and its parameters."""

    space: ServingSpace
    select: sql.Composable
    parameters: Mapping[str, Any]
    name: str


@dataclass(frozen=True, slots=True)
class FoundProfile:
    """The vectors of a profile, and what the search from some of them found, nearest first."""

    vectors: Sequence[ProfileRow]
    lists: Sequence[Keys] = ()

    def nearest(self, n: int) -> Sequence[Keys]:
        """What the search found, which was told how much to look for."""
        return [products[:n] for products in self.lists]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What was found of a user; a profile that is not there is absent."""

    profiles: Mapping[str, SpaceProfile]  # by name of the space
    neighbours: Mapping[str, ItemNeighbours]  # by kind


def stored(space: ServingSpace, user: int, version: int) -> Profile:
    """The profile in the table, of this version of the history or of a later one."""
    return Profile(space, _stored_select(space.pk), {"user": user, "version": version}, STORED)


def given(space: ServingSpace, rows: Sequence[ProfileRow]) -> Profile:
    """A profile that is in memory."""
    columns = {
        "kinds": [row.kind for row in rows],
        "positions": [row.position for row in rows],
        "weights": [row.weight for row in rows],
        "products": [row.product_id for row in rows],
        "vectors": [builder.to_text(row.vector) for row in rows],
    }
    names = {name: f"{name}_{space.pk}" for name in columns}
    select = _GIVEN.format(**{name: sql.Placeholder(key) for name, key in names.items()})
    return Profile(space, select, {names[name]: values for name, values in columns.items()}, GIVEN)


def search(
    catalog_id: int,
    profiles: Sequence[Profile],
    own: OwnProducts | None,
    limit: int,
    *,
    kinds: Sequence[str],
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> Signals:
    """The vectors of these profiles, the products nearest to them, and item neighbours.

    Where there are neighbours, a walk in a space of behaviour finds next to nothing that they do
    not propose, and is left out. They know nothing of a filter.

    Args:
        own: the products whose neighbours are asked for; None where none may be used.
        limit: products found from each vector that is searched from.
        kinds: of neighbours.
        filter: what products must pass; each one met is then checked.
    """
    if filter is None:
        # Candidates need no more recall than that: they are compared exactly.
        database.use_ef_search(vector_search.ef_search(limit))
    searched = tuple((profile.space, profile.name) for profile in profiles)
    statement = _statement(searched, 0 if filter is not None else limit)
    parameters: dict[str, Any] = {
        "own": database.array_text(own.latest.tolist() if own is not None else []),
        "last": database.array_text(own.last_moments.tolist() if own is not None else []),
        "catalog": catalog_id,
        "kinds": list(kinds),
    }
    for profile in profiles:
        parameters |= profile.parameters
    rows = database.fetch_named(statement, parameters)
    signals = Signals(
        profiles=_by_space(profiles, rows), neighbours=_neighbours(rows, own) if own else {}
    )
    if filter is None:
        return signals
    available = search_available(signals.profiles, profiles, limit, filter=filter)
    return replace(signals, profiles=available)


def search_available(
    known: Mapping[str, SpaceProfile],
    profiles: Sequence[Profile],
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> dict[str, SpaceProfile]:
    """The profiles known by space, searched again for products that are available and pass."""
    by_space = dict(known)
    searched = _searched([profile.space for profile in profiles])
    for profile in profiles:
        kind, most = searched[profile.space.pk]
        name = profile.space.name
        if name in by_space and most:
            available = _available(profile, kind, most, limit, filter)
            by_space[name] = FoundProfile(by_space[name].vectors, [available])
    return by_space


def _by_space(profiles: Sequence[Profile], rows: Sequence[Any]) -> dict[str, FoundProfile]:
    by_space: dict[str, FoundProfile] = {}
    for profile in profiles:
        space_rows = [row for row in rows if row.space_id == profile.space.pk]
        if space_rows:
            # An empty profile is a row without a vector.
            vector_rows = sorted(
                (row for row in space_rows if row.numbers is not None), key=attrgetter("position")
            )
            vectors = partitions.halfvec_rows(
                [row.numbers for row in vector_rows], profile.space.dimension
            )
            by_space[profile.space.name] = FoundProfile(
                vectors=[
                    ProfileRow(row.kind, row.position, row.weight, row.product_id, vector)
                    for row, vector in zip(vector_rows, vectors, strict=True)
                ],
                lists=[
                    arrays.ints(row.products) for row in vector_rows if row.products is not None
                ],
            )
    return by_space


def _neighbours(rows: Sequence[Any], own: OwnProducts) -> dict[str, ItemNeighbours]:
    by_kind: dict[str, list[tuple[int, bytes, bytes]]] = {}
    for row in rows:
        if row.space_id is None:
            by_kind.setdefault(row.kind, []).append((row.product_id, row.products, row.numbers))
    return {kind: summed(kind, _links(lists), own) for kind, lists in by_kind.items()}


def _links(rows: Sequence[tuple[int, bytes, bytes]]) -> Links:
    products = [sent for _, sent, _ in rows]
    return Links(
        sources=np.repeat([key for key, *_ in rows], [arrays.length(sent) for sent in products]),
        targets=arrays.joined_ints(products),
        scores=arrays.joined_floats([sent for *_, sent in rows]),
    )


def _searched(spaces: Sequence[ServingSpace]) -> dict[int, tuple[str, int]]:
    """By key of a space the kind of vector that is searched from, and how many of them."""
    behaviour = [space for space in spaces if space.kind == Space.Kind.BEHAVIOUR]
    # What a factor of least squares finds, short-term neighbours in another space add little to.
    behaviour.sort(key=lambda space: (space.metric != Space.Metric.INNER_PRODUCT, space.pk))
    interests = _INTERESTS_BESIDE_BEHAVIOUR if behaviour else INTERESTS
    searched = {space.pk: (str(Kind.INTEREST), interests) for space in spaces}
    searched |= {space.pk: (str(Kind.LONG_TERM), 0) for space in behaviour}
    return searched | {space.pk: (str(Kind.LONG_TERM), 1) for space in behaviour[:1]}


def _available(
    profile: Profile,
    kind: str,
    most: int,
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Keys:
    select = _KEYED.format(source=profile.select, searched=_is_searched(kind, most))
    vectors = QueryVectors(f"{profile.name} {kind} {most}", select, profile.parameters)
    near = vector_search.nearest(
        profile.space, vectors, limit=limit, filter=filter, as_candidates=True
    )
    return np.array([neighbour.product_id for neighbour in near], dtype=np.int64)


@lru_cache(maxsize=1000)
def _statement(searched: tuple[tuple[ServingSpace, str], ...], limit: int) -> bytes:
    kinds = _searched([space for space, _ in searched])
    parts: list[sql.Composable] = [_NEIGHBOURS]
    parts += [_part(space, name, kinds[space.pk], limit) for space, name in searched]
    return _SIGNALS.format(
        next=sql.Literal(NEXT), parts=sql.SQL(" UNION ALL ").join(parts)
    ).as_bytes(None)


def _source(space: ServingSpace, name: str) -> sql.Composable:
    """The SELECT of a profile in this space of this name, which is all that tells two apart."""
    return _stored_select(space.pk) if name == STORED else given(space, ()).select


def _part(space: ServingSpace, name: str, searched: tuple[str, int], limit: int) -> sql.Composed:
    condition = _is_searched(*searched) if limit else sql.SQL("false")
    if space.kind == Space.Kind.BEHAVIOUR:
        condition = sql.SQL("{} AND NOT EXISTS (SELECT FROM neighbour)").format(condition)
    return _PROFILE_ROWS.format(
        space=sql.Literal(space.pk),
        source=_source(space, name),
        search=vector_search.unchecked(space, limit),
        searched=condition,
        compared=sql.Literal(INTERESTS),
    )


def _is_searched(kind: str, most: int) -> sql.Composed:
    return sql.SQL("(q.kind = {} AND q.position < {})").format(sql.Literal(kind), sql.Literal(most))


@lru_cache(maxsize=1000)
def _stored_select(space_id: int) -> sql.Composed:
    return _STORED.format(profiles=partitions.profile_vectors(space_id))
