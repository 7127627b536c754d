"""How alike two spaces see products: the share of similar products that both name."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from recommender import database
from recommender.engine import vector_search
from recommender.engine.vector_search import QueryVectors
from recommender.models import Space
from recommender.spaces import partitions
from recommender.spaces.serving import serving

K = 20
_SAMPLE = 500
_CHUNK = 50

_SHARED = sql.SQL("""
SELECT a.product_id FROM {first} a JOIN {second} b ON b.product_id = a.product_id
JOIN recommender_product p ON p.id = a.product_id AND p.deleted_at IS NULL
WHERE a.embedding IS NOT NULL AND b.embedding IS NOT NULL
ORDER BY hashint8(a.product_id), a.product_id LIMIT {limit}
""")

_SEEDS = sql.SQL("""
SELECT product_id, 1::float8, NULL::bigint, embedding FROM {}
WHERE product_id = ANY(%(seeds)s::bigint[])
""")


@dataclass(frozen=True, slots=True)
class Overlap:
    """The mean share, 0 to 1, of the 20 most similar products that are the same in both spaces."""

    mean: float
    products: int  # sampled


def overlap(first: Space, second: Space) -> Overlap | None:
    """How alike the neighbours are, each space searched as it serves; None without a shared
    product."""
    query = _SHARED.format(
        first=partitions.product_vectors(first.pk),
        second=partitions.product_vectors(second.pk),
        limit=sql.Literal(_SAMPLE),
    )
    seeds = [row[0] for row in database.fetch(query)]
    shares: list[float] = []
    for start in range(0, len(seeds), _CHUNK):
        chunk = seeds[start : start + _CHUNK]
        here, there = _neighbours(first, chunk), _neighbours(second, chunk)
        shares += [_share(here[seed], there[seed]) for seed in chunk]
    return Overlap(sum(shares) / len(shares), len(shares)) if shares else None


def _neighbours(space: Space, seeds: Sequence[int]) -> dict[int, set[int]]:
    """The K available products nearest to each seed, without itself."""
    select = _SEEDS.format(partitions.product_vectors(space.pk))
    seeded = QueryVectors("overlap", select, {"seeds": database.array_text(seeds)})
    ranked: dict[int, list[int]] = defaultdict(list)
    for found in vector_search.nearest(serving(space), seeded, limit=K + 1):
        if found.product_id != found.key:
            ranked[found.key].append(found.product_id)
    return defaultdict(set, {seed: set(products[:K]) for seed, products in ranked.items()})


def _share(first: set[int], second: set[int]) -> float:
    """Of lists of equal length; a catalogue of few products has short ones."""
    longest = max(len(first), len(second))
    return len(first & second) / longest if longest else 1.0
