"""Nearest products to query vectors, exactly or through the index: the one vector search.

The vectors stay in PostgreSQL: a query vector is a seed product's or a profile's, joined in the
statement, or it comes as a parameter where a profile was built for the occasion.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from psycopg import sql

from recommender import database
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter
from recommender.spaces import partitions
from recommender.spaces.index import metric_of
from recommender.spaces.switching import ServingSpace


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """The vectors to search from: a SELECT of (key int, weight float8, anchor bigint,
    embedding halfvec), the anchor being the product that a vector speaks for.

    Of one name and space there is one SELECT.
    """

    name: str
    select: sql.Composable
    parameters: Mapping[str, Any]
    # What must hold of the database for the search to be the right one; asked with it.
    condition: sql.Composable | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product near the query vector of this key."""

    key: int
    weight: float
    anchor: str | None
    product_id: int
    external_id: str
    similarity: float  # by the space's metric: cosine, −1 to 1, or inner product


class Search(Enum):
    """How the nearest are found."""

    INDEX = "through the HNSW index, checking each product met"
    AMONG = "exactly, among the few products that pass the filter, given as `passing`"
    ALL = "exactly, among all products that pass"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How far an index is walked, and of how few products it has run dry."""

    ef_search: int
    found: int


_CANDIDATES = _Wanted(0, 1)
_MOST_STATEMENTS = 2000
_MOST_EF_SEARCH = 1000  # pgvector refuses more
_statements: dict[tuple[ServingSpace, str, Search, int, str, bool], bytes] = {}

# The index is walked outward from the query and every product met is checked, so a filter that
# most products pass costs little. strict_order goes on until there are enough.
_THROUGH_INDEX = sql.SQL("""
SELECT v.product_id, p.external_id,
       v.embedding::halfvec({dimension}) {operator} q.embedding AS distance
FROM {vectors} v JOIN recommender_product p ON p.id = v.product_id
WHERE v.embedding IS NOT NULL AND {condition} AND {keep}
ORDER BY v.embedding::halfvec({dimension}) {operator} q.embedding LIMIT {limit}
""")

# Nothing is checked: whoever asks hydrates what was found.
_UNCHECKED = sql.SQL("""
SELECT v.product_id FROM {vectors} v WHERE v.embedding IS NOT NULL ORDER BY {distance} LIMIT {limit}
""")

# "+ 0" keeps the planner off the vector index: it would take it here too, and find too few.
# The products are looked at again at the end: what was remembered may have sold out since, and
# a place may hold another vector.
_AMONG = sql.SQL("""
SELECT e.product_id, p.external_id, e.distance FROM (
    SELECT v.product_id, (v.embedding {operator} q.embedding) + 0 AS distance FROM {vectors} v
    WHERE v.ctid = ANY (%(passing)s::tid[]) AND v.embedding IS NOT NULL AND {keep}
    ORDER BY distance LIMIT {limit}
) e JOIN recommender_product p ON p.id = e.product_id AND {condition} ORDER BY e.distance
""")

_ALL = sql.SQL("""
SELECT v.product_id, p.external_id, (v.embedding {operator} q.embedding) + 0 AS distance
FROM {vectors} v JOIN recommender_product p ON p.id = v.product_id
WHERE v.embedding IS NOT NULL AND {condition} AND {keep} ORDER BY distance LIMIT {limit}
""")

_STATEMENTS = {Search.INDEX: _THROUGH_INDEX, Search.AMONG: _AMONG, Search.ALL: _ALL}

# A Neighbour's fields, and whether what was remembered of the filter is still current. Not named
# tuples: they cost a twentieth of a request for similar products.
_Row = tuple[int, float, str | None, int | None, str, float, bool]
_NEAREST = sql.SQL("""
SELECT q.key, q.weight, a.external_id AS anchor, n.product_id, n.external_id,
    {similarity} AS similarity, {current} AS is_current
FROM ({source}) AS q(key, weight, anchor, embedding)
LEFT JOIN recommender_product a ON a.id = q.anchor
LEFT JOIN LATERAL ({search}) n ON true
""")


def nearest(
    space: ServingSpace,
    vectors: QueryVectors,
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
    as_candidates: bool = False,
) -> list[Neighbour]:
    """The available products nearest to each query vector, nearest first.

    Every product that passes the filter can be found: where few pass, all of them are compared;
    where many pass, the index is used, and where it runs dry all are compared after all.

    Args:
        as_candidates: whether some that are near will do: the index is walked as far as mostly
            gives the limit, not as far as gives the recall that the space promises, and where it
            runs dry what was found is all.
    """
    wanted = _CANDIDATES if as_candidates else _Wanted(space.ef_search, limit)
    return _neighbours(_find(space, vectors, limit, filter, excluded, wanted))


def nearest_if_current(
    space: ServingSpace, vectors: QueryVectors, *, limit: int
) -> list[Neighbour]:
    """The same, but nothing where the condition of the query vectors does not hold."""
    rows = _find(space, vectors, limit, None, (), _Wanted(space.ef_search, limit))
    return _neighbours(rows) if all(is_current for *_, is_current in rows) else []


def _neighbours(rows: Sequence[_Row]) -> list[Neighbour]:
    return [
        Neighbour(key, weight, anchor, product, external_id, similarity)
        for key, weight, anchor, product, external_id, similarity, _ in rows
        if product is not None
    ]


def unchecked(space: ServingSpace, limit: int) -> sql.Composed:
    """A SELECT of the keys of the products nearest to `q.embedding`, whether available or not."""
    distance = sql.SQL("v.embedding::halfvec({dimension}) {operator} q.embedding").format(
        dimension=sql.Literal(space.dimension), operator=metric_of(space.metric).operator
    )
    if space.indexed_rows <= limit:
        # An index that may hold too few is not used.
        distance = sql.SQL("({}) + 0").format(distance)
    return _UNCHECKED.format(
        vectors=partitions.product_vectors(space.pk), distance=distance, limit=sql.Literal(limit)
    )


def ef_search(wanted: int) -> int:
    """What PostgreSQL takes; beyond it, an iterative scan goes on until there are enough."""
    return min(_MOST_EF_SEARCH, wanted)


def compose(
    space: ServingSpace,
    vectors: QueryVectors,
    search: Search,
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    exclude: bool = False,
) -> sql.Composed:
    """The statement of a search.

    Its parameters are those of the source and of the filter; `excluded`, product keys, where
    products are excluded; `passing` and `passing_version` for Search.AMONG.
    """
    current = vectors.condition or sql.SQL("true")
    if search is Search.AMONG:
        version = filter_cache.version_of(space)
        current = sql.SQL("{} IS NOT DISTINCT FROM %(passing_version)s").format(version)
    used = metric_of(space.metric)
    keep = sql.SQL("v.product_id NOT IN (SELECT unnest(%(excluded)s::bigint[]))")
    inner = _STATEMENTS[search].format(
        vectors=partitions.product_vectors(space.pk),
        dimension=sql.Literal(space.dimension),
        operator=used.operator,
        condition=filter_cache.condition(filter),
        keep=keep if exclude else sql.SQL("true"),
        limit=sql.Literal(limit),
    )
    return _NEAREST.format(
        source=vectors.select,
        search=inner,
        similarity=used.similarity(sql.SQL("n.distance")),
        current=current,
    )


def _find(
    space: ServingSpace,
    vectors: QueryVectors,
    limit: int,
    filter: Filter | None,  # noqa: A002
    excluded: Sequence[int],
    wanted: _Wanted,
) -> list[_Row]:
    """Rows of _NEAREST; a query vector that finds nothing has one row, of no product."""
    parameters = {
        **vectors.parameters,
        **(filter.parameters if filter else {}),
        **({"excluded": database.array_text(excluded)} if excluded else {}),
    }

    def run(search: Search, **more: object) -> list[_Row]:
        statement = _rendered(space, vectors, search, limit, filter, bool(excluded))
        return database.fetch(statement, {**parameters, **more})

    if filter is not None:
        for anew in (False, True):
            among = filter_cache.find(space, filter, anew=anew)
            if not among.few:
                break
            rows = run(Search.AMONG, passing=among.places, passing_version=among.version)
            # Changed again since it was found anew: right but for what came in that instant.
            if anew or all(is_current for *_, is_current in rows):
                return rows
    if space.indexed_rows > limit:
        database.use_ef_search(_ef_search(wanted.ef_search, limit, len(excluded), filter))
        rows = run(Search.INDEX)
        if not _ran_dry(rows, wanted.found):
            return rows
    return run(Search.ALL)


def _rendered(
    space: ServingSpace,
    vectors: QueryVectors,
    search: Search,
    limit: int,
    filter: Filter | None,  # noqa: A002
    exclude: bool,
) -> bytes:
    """A search's statement as bytes, rendered once and remembered."""
    condition = "" if filter is None else filter.condition.as_string(None)
    key = (space, vectors.name, search, limit, condition, exclude)
    if (known := _statements.get(key)) is not None:
        return known
    statement = compose(space, vectors, search, limit=limit, filter=filter, exclude=exclude)
    text = statement.as_bytes(None)
    if len(_statements) >= _MOST_STATEMENTS:
        _statements.clear()
    _statements[key] = text
    return text


def _ef_search(
    promised: int,
    limit: int,
    excluded: int,
    filter: Filter | None,  # noqa: A002
) -> int:
    """Enough for the limit and for what will be left out: a second walk costs as much again."""
    wanted = max(promised, limit + limit // 4 + min(excluded, limit // 2))
    return ef_search(2 * wanted if filter else wanted)


def _ran_dry(rows: Sequence[_Row], limit: int) -> bool:
    """Whether some query vector has fewer neighbours than asked for."""
    counts: Counter[int] = Counter()
    for key, _, _, product, *_ in rows:
        counts[key] += product is not None
    return any(number < limit for number in counts.values())
