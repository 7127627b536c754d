"""The user's profiles and the products nearest to them, in all spaces: one statement.

What is found is not checked here: the statement that tells of the candidates does that, once for
each. Only where a filter is asked for, or too few would be left, each product met is checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine import arrays, channels, retrieval, vectors
from recommender.engine.filters import Filter
from recommender.engine.retrieval import Source
from recommender.models import ProfileVector, Space
from recommender.profiles import builder
from recommender.profiles.profile import ProfileRow
from recommender.spaces import metric, partitions
from recommender.spaces.serving import ServingSpace

Kind = ProfileVector.Kind
STORED, GIVEN = "stored", "given"

# Each vector that is searched from costs a walk through an index, so few are: in one space of
# behaviour its long-term factor, if at all, and in each of content the heaviest interest, or more
# of them where there is no behaviour. All vectors are compared with what the searches find.
_INTERESTS, _INTERESTS_BESIDE_BEHAVIOUR = 3, 1

_STORED = sql.SQL("""
SELECT kind, position, weight, product_id, embedding FROM {profiles}
WHERE user_id = %(user)s AND history_version >= %(version)s
""")

_GIVEN = sql.SQL("""
SELECT kind, position, weight, product_id, embedding::halfvec FROM
unnest({kinds}::text[], {positions}::int[], {weights}::float8[], {products}::bigint[],
       {vectors}::text[]) AS given(kind, position, weight, product_id, embedding)
""")

_NEAREST = sql.SQL("""
(SELECT {space}, q.kind, q.position, q.weight, q.product_id, halfvec_send(q.embedding), n.products
FROM ({source}) q LEFT JOIN LATERAL (
    SELECT array_send(array_agg(f.product_id)) AS products FROM (
        SELECT v.product_id FROM {vectors} v WHERE v.embedding IS NOT NULL
        ORDER BY {distance} LIMIT {limit}
    ) f WHERE {searched}
) n ON true WHERE q.position < {compared})
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


class Vector(NamedTuple):
    """One vector of a profile."""

    kind: str
    position: int
    weight: float
    product_id: int | None
    numbers: NDArray[np.float32]  # shape (dimension,)


@dataclass(frozen=True, slots=True)
class Found:
    """The vectors of each space with a profile, by its key, and what each search found, nearest
    first."""

    vectors: Mapping[int, Sequence[Vector]]
    lists: Sequence[NDArray[np.int64]]


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
    return Profile(space, select, {names[name]: each for name, each in columns.items()}, GIVEN)


def search(
    profiles: Sequence[Profile],
    limit: int,
    *,
    in_behaviour: bool = True,
    checked: bool = False,
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> Found:
    """The vectors of these profiles and the products nearest to them.

    Args:
        limit: products found from each vector that is searched from.
        in_behaviour: whether spaces of behaviour are searched, too.
        checked: count only available products that pass the filter.
    """
    if not profiles:
        return Found({}, ())
    # Candidates need no more recall than that: they are compared exactly.
    database.use_ef_search(limit)
    sources = tuple((each.space, each.name) for each in profiles)
    statement = _statement(sources, 0 if checked else limit, in_behaviour)
    parameters = {key: value for each in profiles for key, value in each.parameters.items()}
    rows = database.fetch(statement, parameters)
    lists = [arrays.ints(row[-1]) for row in rows if row[-1] is not None]
    if checked:
        searched = _searched([each.space for each in profiles], in_behaviour)
        asked = [(profile, searched[profile.space.pk]) for profile in profiles]
        # None of its vectors is searched from: nothing would be found.
        lists = [_checked(each, by, limit, filter) for each, by in asked if by[1]]
    return Found(_by_space(profiles, rows), lists)


def _by_space(
    profiles: Sequence[Profile], rows: Sequence[tuple[Any, ...]]
) -> dict[int, list[Vector]]:
    found: dict[int, list[Vector]] = {}
    for profile in profiles:
        mine = [row for row in rows if row[0] == profile.space.pk]
        if mine:
            # An empty profile is a row without a vector.
            there = [row for row in mine if row[5] is not None]
            numbers = vectors.halves([row[5] for row in there], profile.space.dimension)
            found[profile.space.pk] = [
                Vector(kind, position, weight, product, each)
                for (_, kind, position, weight, product, *_), each in zip(
                    there, numbers, strict=True
                )
            ]
    return found


def _searched(spaces: Sequence[ServingSpace], in_behaviour: bool) -> dict[int, tuple[str, int]]:
    """By key of a space the kind of vector that is searched from, and how many of them."""
    behaviour = [space for space in spaces if space.kind == Space.Kind.BEHAVIOUR]
    # What a factor of least squares finds, short-term neighbours in another space add little to.
    behaviour.sort(key=lambda space: (space.metric != Space.Metric.INNER_PRODUCT, space.pk))
    interests = _INTERESTS_BESIDE_BEHAVIOUR if behaviour else _INTERESTS
    found = {space.pk: (str(Kind.INTEREST), interests) for space in spaces}
    found |= {space.pk: (str(Kind.LONG_TERM), 0) for space in behaviour}
    return found | {space.pk: (str(Kind.LONG_TERM), int(in_behaviour)) for space in behaviour[:1]}


def _checked(
    profile: Profile,
    searched: tuple[str, int],
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
) -> NDArray[np.int64]:
    select = _KEYED.format(source=profile.select, searched=_is_searched(*searched))
    source = Source(f"{profile.name} {searched}", select, profile.parameters)
    near = retrieval.nearest(profile.space, source, limit=limit, filter=filter)
    return np.array([neighbour.product_id for neighbour in near], dtype=np.int64)


@lru_cache(maxsize=1000)
def _statement(
    sources: tuple[tuple[ServingSpace, str], ...], limit: int, in_behaviour: bool
) -> bytes:
    searched = _searched([space for space, _ in sources], in_behaviour)
    parts = [_part(space, name, searched[space.pk], limit) for space, name in sources]
    return sql.SQL(" UNION ALL ").join(parts).as_bytes(None)


def _source(space: ServingSpace, name: str) -> sql.Composable:
    """The SELECT of a profile in this space of this name, which is all that tells two apart."""
    return _stored_select(space.pk) if name == STORED else given(space, ()).select


def _part(space: ServingSpace, name: str, searched: tuple[str, int], limit: int) -> sql.Composed:
    distance = sql.SQL("v.embedding::halfvec({dimension}) {operator} q.embedding").format(
        dimension=sql.Literal(space.dimension), operator=metric.of(space.metric).operator
    )
    if space.indexed_rows <= limit:
        # "+ 0" keeps the planner off an index that may hold too few.
        distance = sql.SQL("({}) + 0").format(distance)
    return _NEAREST.format(
        space=sql.Literal(space.pk),
        source=_source(space, name),
        vectors=partitions.product_vectors(space.pk),
        distance=distance,
        limit=sql.Literal(limit),
        searched=_is_searched(*searched) if limit else sql.SQL("false"),
        compared=sql.Literal(channels.INTERESTS),
    )


def _is_searched(kind: str, most: int) -> sql.Composed:
    return sql.SQL("(q.kind = {} AND q.position < {})").format(sql.Literal(kind), sql.Literal(most))


@lru_cache(maxsize=1000)
def _stored_select(space_id: int) -> sql.Composed:
    return _STORED.format(profiles=partitions.profile_vectors(space_id))
