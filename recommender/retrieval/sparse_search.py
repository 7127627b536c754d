"""The products whose sparse vector, of weights of tokens, is most like a query's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from psycopg import sql

from embeddings.types import SparseVector
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter
from recommender.retrieval.lookup import Lookup, Row
from recommender.spaces import partitions
from recommender.spaces.switching import ServingSpace

# All vectors are compared: no index is kept of them. What shares no token with the query is not
# found.
_NEAREST = sql.SQL("""
SELECT p.id, p.external_id, -n.distance AS similarity, true
FROM (
    SELECT v.product_id, v.sparse <#> %(sparse)s::sparsevec AS distance
    FROM {vectors} v WHERE v.sparse IS NOT NULL
) n JOIN recommender_product p ON p.id = n.product_id
WHERE n.distance < 0 AND {condition}
ORDER BY n.distance, p.id LIMIT %(sparse_limit)s
""")


@dataclass(frozen=True, slots=True)
class Alike:
    """A product, and the inner product of its sparse vector with the query's."""

    product_id: int
    external_id: str
    similarity: float  # above 0


def nearest(
    space: ServingSpace,
    vector: SparseVector,
    *,
    limit: int,
    filter: Filter | None = None,  # noqa: A002 - the API's word
) -> Lookup[Sequence[Alike]]:
    """The available products that share most of the query's tokens, the most alike first."""
    condition = filter_cache.condition(filter).as_string(None)
    parameters = {
        "sparse": _text(vector),
        "sparse_limit": limit,
        **(filter.parameters if filter else {}),
    }
    return Lookup(_query(space.pk, condition), parameters, _read)


def _read(rows: Sequence[Row]) -> Sequence[Alike]:
    return [Alike(key, external_id, similarity) for key, external_id, similarity, _ in rows]


@lru_cache(maxsize=1000)
def _query(space_id: int, condition: str) -> str:
    return _NEAREST.format(
        vectors=partitions.product_vectors(space_id),
        condition=sql.SQL(condition),
    ).as_string(None)


def _text(vector: SparseVector) -> str:
    """As pgvector reads it: indices from 1, no value of zero."""
    pairs = sorted(zip(vector.indices, vector.values, strict=True))
    told = ",".join(f"{index + 1}:{value}" for index, value in pairs if value)
    return f"{{{told}}}/{partitions.SPARSE_DIMENSION}"
