"""A space's metric, and its HNSW index: when to build it, its parameters, how well it finds."""

from dataclasses import dataclass

from django.conf import settings
from psycopg import sql

from recommender import database
from recommender.models import Space
from recommender.spaces import partitions


@dataclass(frozen=True, slots=True)
class Metric:
    """A distance of pgvector; the operator must be of the index's class, or no index is used."""

    operator: sql.SQL
    operator_class: sql.SQL
    nearest: int  # the similarity at a distance of 0

    def similarity(self, distance: sql.Composable) -> sql.Composed:
        """The cosine or the inner product, from the distance."""
        return sql.SQL("{} - {}").format(sql.Literal(self.nearest), distance)


_METRICS = {
    Space.Metric.COSINE: Metric(sql.SQL("<=>"), sql.SQL("halfvec_cosine_ops"), 1),
    # Its distance is the negative inner product: indexes are walked in ascending order only.
    Space.Metric.INNER_PRODUCT: Metric(sql.SQL("<#>"), sql.SQL("halfvec_ip_ops"), 0),
}


def metric_of(name: str) -> Metric:
    """The metric of a value metric_of Space.Metric."""
    return _METRICS[Space.Metric(name)]


# Tried in order until the recall target is met; pgvector allows up to 1,000.
EF_SEARCH_STEPS = (20, 30, 40, 60, 80, 120, 160, 240, 400, 600, 1000)
# What pgvector's HNSW takes of halfvec.
MAX_DIMENSION = 4000
_SAMPLE = 100
_K = 20

_PRODUCTS = sql.SQL(
    "SELECT product_id AS key, embedding FROM {vectors} WHERE embedding IS NOT NULL"
)
_FACTORS = sql.SQL(
    "SELECT user_id AS key, embedding FROM {profiles} WHERE kind = 'long_term' AND position = 0"
)


@dataclass(frozen=True, slots=True)
class _Queries:
    """Vectors to measure the index with: their keys, and the SELECT of (key, embedding) by key."""

    select: sql.Composed
    keys: list[int]


@dataclass(frozen=True, slots=True)
class Parameters:
    """HNSW build parameters (Malkov & Yashunin 2016)."""

    m: int
    ef_construction: int


def parameters(rows: int) -> Parameters:
    """Build parameters for so many vectors; a larger graph needs more links to stay findable."""
    if rows < 250_000:
        return Parameters(m=16, ef_construction=64)
    if rows < 1_000_000:
        return Parameters(m=16, ef_construction=128)
    return Parameters(m=24, ef_construction=128)


# Active spaces that were indexed once and have no valid index now.
_LOST = """
SELECT s.name || '@' || s.version || ' of ' || c.name FROM recommender_space s
JOIN recommender_catalog c ON c.id = s.catalog_id
LEFT JOIN pg_index i ON i.indexrelid = to_regclass('recommender_productvector_' || s.id || '_hnsw')
WHERE s.status = 'active' AND s.indexed_rows > 0 AND i.indisvalid IS NOT TRUE
"""


def lost() -> list[str]:
    """The spaces that serve without the index that they had, in words."""
    return [name for (name,) in database.fetch(_LOST)]


def is_due(space: Space) -> bool:
    """Whether the index is missing, or was measured when the space was at most half its size."""
    rows = vector_count(space)
    return rows > 0 and (rows >= 2 * space.indexed_rows or not _exists(space))


def vector_count(space: Space) -> int:
    """Products of a space that have a vector."""
    query = sql.SQL("SELECT count(*) FROM {} WHERE embedding IS NOT NULL").format(
        partitions.product_vectors(space.pk)
    )
    return int(database.fetch(query)[0][0])


def build(space: Space) -> None:
    """Build the index, then set `ef_search`, `recall` and `indexed_rows` from what it finds.

    Searches go on while it is built and wait while it takes the old one's place and is measured;
    writes of vectors wait all the while. Must run in a transaction. The caller saves the row.
    """
    rows = vector_count(space)
    chosen = parameters(rows)
    names = _names(space)
    # The bulk was loaded first: building over loaded rows is many times faster than inserting.
    database.execute(
        sql.SQL(
            "CREATE INDEX {new} ON {vectors} "
            "USING hnsw ((embedding::halfvec({dimension})) {operator_class}) "
            "WITH (m = {m}, ef_construction = {ef})"
        ).format(**names, m=sql.Literal(chosen.m), ef=sql.Literal(chosen.ef_construction))
    )
    # Products too: after a bulk over REST the planner would take them for a handful.
    database.execute(sql.SQL("ANALYZE {vectors}, recommender_product").format(**names))
    queries = _queries(space)
    exact = _kth_distances(space, queries)
    # Not before: from here on searches wait.
    database.execute(sql.SQL("DROP INDEX IF EXISTS {index}").format(**names))
    database.execute(sql.SQL("ALTER INDEX {new} RENAME TO {index}").format(**names))
    space.indexed_rows = rows
    space.ef_search, space.recall = _choose_ef_search(space, queries, exact, settings.RECALL_TARGET)


def _exists(space: Space) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid)"
    return bool(database.fetch(query, (_name(space),))[0][0])


def _name(space: Space) -> str:
    return f"recommender_productvector_{space.pk}_hnsw"


def _choose_ef_search(
    space: Space, queries: _Queries, exact: dict[int, tuple[float, int]], target: float
) -> tuple[int, float]:
    """The smallest ef_search whose measured recall@20 is safely at the target, and that recall.

    Safely: by half of what the target leaves, as a sample errs by a per cent. Where none is, the
    largest, with what it reaches.
    """
    recall, safe = 0.0, target + (1.0 - target) / 2
    for ef_search in EF_SEARCH_STEPS:
        recall = _recall(space, queries, exact, ef_search)
        if recall >= safe:
            break
    return ef_search, recall


def _names(space: Space) -> dict[str, sql.Composable]:
    used = metric_of(space.metric)
    return {
        "index": sql.Identifier(_name(space)),
        "new": sql.Identifier(f"{_name(space)}_new"),
        "vectors": partitions.product_vectors(space.pk),
        "profiles": partitions.profile_vectors(space.pk),
        "dimension": sql.Literal(space.dimension),
        "operator": used.operator,
        "operator_class": used.operator_class,
        "k": sql.Literal(_K),
        "sample": sql.Literal(_SAMPLE),
    }


def _queries(space: Space) -> _Queries:
    """What is asked of the index: products, by their inner product long-term factors where known.

    Of an inner product only the direction of a query counts for the order: a product's vector
    stands for that of unit length.
    """
    if space.metric == Space.Metric.INNER_PRODUCT:
        factors = _sample(space, _FACTORS)
        if factors.keys:
            return factors
    return _sample(space, _PRODUCTS)


def _sample(space: Space, source: sql.SQL) -> _Queries:
    select = source.format(**_names(space))
    query = sql.SQL("SELECT key FROM ({source}) q ORDER BY random() LIMIT {sample}")
    rows = database.fetch(query.format(source=select, **_names(space)))
    return _Queries(select, [row[0] for row in rows])


def _kth_distances(space: Space, queries: _Queries) -> dict[int, tuple[float, int]]:
    """By query: the distance of its k-th exact neighbour, and k.

    A distance, not ids: products with one title tie, and any of them is a right answer.
    """
    query = sql.SQL("""
        SELECT q.key, max(n.distance), count(*) FROM ({queries}) q CROSS JOIN LATERAL (
            SELECT (v.embedding::halfvec({dimension}) {operator} q.embedding) + 0 AS distance
            FROM {vectors} v WHERE v.embedding IS NOT NULL ORDER BY distance LIMIT {k}
        ) n WHERE q.key = ANY(%s) GROUP BY 1
    """).format(**_names(space), queries=queries.select)
    return {key: (far, k) for key, far, k in database.fetch(query, (queries.keys,))}


def _recall(
    space: Space, queries: _Queries, exact: dict[int, tuple[float, int]], ef_search: int
) -> float:
    """Share of the exact k nearest that the index finds at this ef_search."""
    database.use_ef_search(ef_search)
    query = sql.SQL("""
        SELECT q.key, n.distance FROM ({queries}) q CROSS JOIN LATERAL (
            SELECT v.embedding::halfvec({dimension}) {operator} q.embedding AS distance
            FROM {vectors} v WHERE v.embedding IS NOT NULL
            ORDER BY v.embedding::halfvec({dimension}) {operator} q.embedding LIMIT {k}
        ) n WHERE q.key = ANY(%s)
    """).format(**_names(space), queries=queries.select)
    rows = database.fetch(query, (list(exact),))
    hits = sum(distance <= _slack(exact[key][0]) for key, distance in rows)
    return float(hits / max(1, sum(k for _, k in exact.values())))


def _slack(distance: float) -> float:
    """A little more than a distance: inner products may be of any size."""
    return distance + 1e-6 * abs(distance) + 1e-9
