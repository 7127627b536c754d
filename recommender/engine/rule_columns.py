"""What rules need to know of products, read in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.engine.rules import RuleColumns, Rules
from recommender.models import Catalog, Space
from recommender.retrieval import content_spaces, vector_cache
from recommender.retrieval.filters import Filter
from recommender.spaces.switching import ServingSpace

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]

# Of a product so many events are looked at, the latest of an index's order: who has as many has
# been seen enough.
_MOST_SEEN = 100

# A row for each product, in the order of their coming: its key, then what the rules read.
_READ = sql.SQL("""
SELECT COALESCE(p.id, 0), {columns}
FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN recommender_product p
    ON p.catalog_id = %(catalog)s AND p.external_id = wanted.id
{shown}
ORDER BY wanted.place
""")

# What is left of a product's relevance after each time that the user was shown it.
_SHOWN = sql.SQL("""
LEFT JOIN (
    SELECT e.product_id, exp(sum(ln(greatest(1e-9, 1 - %(rate)s::float8 * (
        1 - greatest(0, extract(epoch FROM now() - e.at)) / %(recover)s::float8))))) AS freshness
    FROM recommender_event e
    WHERE e.user_id = %(user)s AND e.type = 'impression'
      AND e.at > now() - make_interval(secs => %(recover)s::float8)
    GROUP BY e.product_id
) shown ON shown.product_id = p.id
""")

# A row for each product: how often it was shown and clicked, of its first so many events.
_SEEN = """
SELECT count(*) FILTER (WHERE e.type = 'impression'), count(*) FILTER (WHERE e.type <> 'impression')
FROM unnest(%(products)s::bigint[]) WITH ORDINALITY AS wanted(id, place)
LEFT JOIN LATERAL (
    SELECT e.type FROM recommender_event e WHERE e.product_id = wanted.id
      AND e.type IN ('impression', 'click', 'view', 'add_to_cart', 'purchase') LIMIT %(most)s
) e ON true
GROUP BY wanted.place ORDER BY wanted.place
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A value of a product: SQL on `p`, a row of products, and its parameters."""

    name: str  # as the request has it
    expression: sql.Composable
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Where what rules read is: a member for each rule, in its order."""

    boosted: tuple[Filter, ...] = ()
    distances: tuple[Column, ...] = ()  # in the unit of the decay
    numbers: tuple[Column, ...] = ()  # by name, of all formulas
    promoted: Filter | None = None
    groups: tuple[Column, ...] = ()  # of the caps
    alike: tuple[Column, ...] = ()  # products are alike by equal values; by vectors without any

    @property
    def conditions(self) -> tuple[Filter, ...]:
        """What products pass that are boosted or promoted."""
        return self.boosted if self.promoted is None else (*self.boosted, self.promoted)


@dataclass(frozen=True, slots=True)
class ListRules:
    """What a list is made by beside relevance."""

    rules: Rules = field(default_factory=Rules)
    reads: Reads = field(default_factory=Reads)

    def __and__(self, merchandised: "ListRules") -> "ListRules":
        """The same with the boosts, caps and pins of merchandisers' rules."""
        own, more = self.rules, merchandised.rules
        rules = replace(
            own,
            boosts=own.boosts + more.boosts,
            boosted_by=(None,) * len(own.boosts) + more.boosted_by,
            caps=own.caps + more.caps,
            pins=own.pins + more.pins,
        )
        reads = replace(
            self.reads,
            boosted=self.reads.boosted + merchandised.reads.boosted,
            groups=self.reads.groups + merchandised.reads.groups,
        )
        return ListRules(rules, reads)


def read(
    catalog: Catalog,
    ids: Sequence[str],
    given: ListRules,
    user: int,
    spaces: Sequence[ServingSpace] | None = None,
) -> RuleColumns:
    """What the rules need of these products; nothing is known of one that has just gone.

    Args:
        user: the key of the user who is to see them, 0 for nobody.
        spaces: those of dense vectors that serve; None where they are not known yet.
    """
    rules = given.rules
    columns, parameters = _columns(given.reads)
    rotates = rules.rotation is not None and user > 0
    if rules.rotation is not None and rotates:
        parameters |= {
            "rate": rules.rotation.rate,
            "recover": rules.rotation.recover,
            "user": user,
        }
    statement = _statement(tuple(column.as_string(None) for column in columns), rotates)
    rows = database.fetch(statement, {"catalog": catalog.pk, "ids": list(ids), **parameters})
    likeness = partial(_cosine, catalog, spaces)
    places = {name: row for row, name in enumerate(ids)}
    pinned = [places.get(pin.product, -1) for pin in rules.pins]
    return replace(_of_rows(rows, given, likeness), pinned=pinned)


@lru_cache(maxsize=1000)
def _statement(columns: tuple[str, ...], rotates: bool) -> bytes:
    freshness = "COALESCE(shown.freshness, 1)" if rotates else "1::float8"
    return _READ.format(
        columns=sql.SQL(", ").join(map(sql.SQL, [*columns, freshness])),
        shown=_SHOWN if rotates else sql.SQL(""),
    ).as_bytes(None)


def tries(products: Sequence[int]) -> tuple[Floats, Floats]:
    """How often each product was shown and chosen, of its first hundred events; (products,)."""
    rows = database.fetch(_SEEN, {"products": list(products), "most": _MOST_SEEN})
    counts = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return counts[:, 0], counts[:, 1]


def _columns(reads: Reads) -> tuple[list[sql.Composable], dict[str, object]]:
    """SQL of what is read, in the order that `_of_rows` takes it apart, and its parameters."""
    conditions = [*reads.boosted, *([reads.promoted] if reads.promoted else [])]
    numbers = [*reads.distances, *reads.numbers]
    groups = [*reads.groups, *reads.alike]
    parameters: dict[str, object] = {}
    read: Sequence[Filter | Column] = (*conditions, *numbers, *groups)
    for one in read:
        parameters |= one.parameters
    columns: list[sql.Composable] = [
        *(sql.SQL("COALESCE({}, false)").format(one.condition) for one in conditions),
        *(sql.SQL("({})::float8").format(one.expression) for one in numbers),
        *(sql.SQL("({})::text").format(one.expression) for one in groups),
    ]
    return columns, parameters


def _of_rows(
    rows: Sequence[tuple[Any, ...]],
    given: ListRules,
    cosine: Callable[[Keys], Callable[[int], Floats] | None],
) -> RuleColumns:
    reads = given.reads
    columns = iter(zip(*rows, strict=True)) if rows else iter(())

    def floats() -> Floats:
        return np.array(next(columns, ()), dtype=np.float64)  # None is NaN

    def flags() -> Flags:
        return np.array(next(columns, ()), dtype=np.bool_)

    keys: Keys = np.array(next(columns, ()), dtype=np.int64)
    boosted = [flags() for _ in reads.boosted]
    promoted = flags() if reads.promoted else np.zeros(len(rows), dtype=np.bool_)
    distances = [floats() for _ in reads.distances]
    numbers = {column.name: floats() for column in reads.numbers}
    groups = [_numbered(next(columns, ())) for _ in reads.groups]
    likeness = None
    if given.rules.diversity and reads.alike:
        likeness = _equality([_numbered(next(columns, ())) for _ in reads.alike])
    elif given.rules.diversity:
        likeness = cosine(keys)
    return RuleColumns(
        keys=keys,
        boosted=boosted,
        distances=distances,
        numbers=numbers,
        promoted=promoted,
        groups=groups,
        likeness=likeness,
        freshness=floats(),
    )


def _numbered(values: Sequence[object]) -> NDArray[np.int64]:
    """Equal numbers for equal values, −1 for what is empty."""
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(value, len(numbers)) if value else -1 for value in values],
        dtype=np.int64,
    )


def _equality(groups: Sequence[NDArray[np.int64]]) -> Callable[[int], Floats]:
    """How many of the values are equal, as a share."""
    values = np.stack(groups)

    def likeness(row: int) -> Floats:
        ours = values[:, row : row + 1]
        shares: Floats = ((values == ours) & (ours >= 0)).mean(axis=0)
        return shares

    return likeness


def _cosine(
    catalog: Catalog, spaces: Sequence[ServingSpace] | None, keys: Keys
) -> Callable[[int], Floats] | None:
    """By vectors of the content space that serves, its text space first; None without one."""
    space = _content_space(catalog, spaces)
    if space is None:
        return None
    vectors = vector_cache.unit_vectors(space, keys)

    def likeness(row: int) -> Floats:
        cosines: Floats = np.vecdot(vectors, vectors[row]).astype(np.float64)
        return cosines

    return likeness


def _content_space(catalog: Catalog, spaces: Sequence[ServingSpace] | None) -> ServingSpace | None:
    if spaces is None:
        active = content_spaces.active(catalog).fetch()
        spaces = [space.serving for space in active if space.output.is_dense]
    of_content = [space for space in spaces if space.kind != Space.Kind.BEHAVIOUR]
    return min(of_content, key=lambda space: (space.name != "text", space.pk), default=None)
