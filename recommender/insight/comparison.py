"""Two spaces side by side: what they are, cost and cover, how alike, how well they recommend."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from psycopg import sql

from recommender import database
from recommender.insight import replay
from recommender.insight.replay import Quality
from recommender.models import EmbeddingSpend, Space
from recommender.providers import models
from recommender.retrieval import vector_search
from recommender.retrieval.vector_search import QueryVectors
from recommender.spaces import partitions
from recommender.spaces.partitions import SpaceError
from recommender.spaces.switching import Coverage, coverage, serving

K = 20
_SAMPLE = 500
_CHUNK = 50
_QUOTED = 5

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
    for neighbour in vector_search.nearest(serving(space), seeded, limit=K + 1):
        if neighbour.product_id != neighbour.key:
            ranked[neighbour.key].append(neighbour.product_id)
    return defaultdict(set, {seed: set(products[:K]) for seed, products in ranked.items()})


def _share(first: set[int], second: set[int]) -> float:
    """Of lists of equal length; a catalog of few products has short ones."""
    longest = max(len(first), len(second))
    return len(first & second) / longest if longest else 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a space's embedding cost so far, and what a million more tokens or products would.

    In US dollars; `per_million_products` is None until the ledger says how long a product is.
    """

    rows: int
    tokens: int
    spent: float
    per_million_tokens: float
    per_million_products: float | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the spaces; `quality` is None where there is too little history."""

    space: str
    status: str
    model: str
    dimension: int
    kind: str
    output: str
    coverage: Coverage
    storage: int  # bytes
    indexed_rows: int
    recall: float | None
    ef_search: int
    cost: Cost
    quality: Quality | None
    boilerplate: tuple[str, ...]  # sentences that are left out of what is embedded

    @property
    def left_out(self) -> str:
        """Of these sentences the first five, quoted; empty where there is none."""
        quoted = " ".join(f"“{sentence}”" for sentence in self.boilerplate[:_QUOTED])
        more = len(self.boilerplate) - _QUOTED
        return f"{quoted} and {more} more" if more > 0 else quoted


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both spaces, and what only both together tell.

    `difference` is how much better the second recommends than the first; `shortage` says why there
    is none.
    """

    first: Side
    second: Side
    overlap: Overlap | None
    cut_off: datetime | None
    users: int
    difference: Quality | None
    shortage: str | None


def compare(first: Space, second: Space) -> Comparison:
    """Two spaces of one catalog, measured by the code that serves.

    Raises:
        SpaceError: they are of two catalogs, are one space, or one is retired.
    """
    _check(first, second)
    held_out = replay.hold_out(first.catalog)
    shortage = held_out.shortage or replay.leakage((first, second), held_out)
    replayed = None
    if shortage is None:
        replayed = replay.replay(first, held_out), replay.replay(second, held_out)
    return Comparison(
        first=_side(first, replay.quality(replayed[0]) if replayed else None),
        second=_side(second, replay.quality(replayed[1]) if replayed else None),
        overlap=overlap(first, second),
        cut_off=held_out.cut_off,
        users=len(held_out.products),
        difference=replay.difference(*replayed) if replayed else None,
        shortage=shortage,
    )


def verdict(comparison: Comparison) -> str:
    """In a sentence, which of the two recommends better, as far as the history can tell."""
    one, two = comparison.first, comparison.second
    if comparison.difference is None or one.quality is None or two.quality is None:
        return f"Which recommends better cannot be said. {comparison.shortage or ''}".strip()
    change = comparison.difference.ndcg
    low, high = sorted((one.quality.ndcg.mean, two.quality.ndcg.mean))
    figures = f"NDCG@20 {high:.4f} against {low:.4f}, over {comparison.users:,} users"
    if change.low <= 0 <= change.high:
        return (
            f"No difference between {one.space} and {two.space} can be told from the history "
            f"({figures}): choose by cost and size."
        )
    better, worse = (two, one) if change.mean > 0 else (one, two)
    by = f" by {high / low - 1:.0%}" if low > 0 else ""
    return f"{better.space} recommends better than {worse.space}{by} ({figures})."


def _check(first: Space, second: Space) -> None:
    if first.catalog_id != second.catalog_id:
        raise SpaceError("The spaces belong to two catalogs and cannot be compared.")
    if first.pk == second.pk:
        raise SpaceError(f"Both are {first}; name two spaces.")
    for space in (first, second):
        if space.status == Space.Status.RETIRED:
            raise SpaceError(
                f"{space} is retired: its vectors are deleted, so it cannot be compared."
            )


def _side(space: Space, quality: Quality | None) -> Side:
    return Side(
        space=str(space),
        status=space.status,
        model=space.model,
        dimension=space.dimension,
        kind=space.kind,
        output=space.output,
        coverage=coverage(space),
        storage=partitions.size(space.pk),
        indexed_rows=space.indexed_rows,
        recall=space.recall,
        ef_search=space.ef_search,
        cost=_cost(space),
        quality=quality,
        boilerplate=tuple(space.boilerplate or ()),
    )


def _cost(space: Space) -> Cost:
    """From the ledger; rows that the cache answered took no tokens, and training costs nothing."""
    spend = EmbeddingSpend.objects.filter(space=space.pk).aggregate(
        rows=Sum("rows"), tokens=Sum("tokens"), cost=Sum("cost")
    )
    rows, tokens = spend["rows"] or 0, spend["tokens"] or 0
    is_trained = space.kind == Space.Kind.BEHAVIOUR
    price = 0.0 if is_trained else models.spec(space.model).price
    return Cost(
        rows=rows,
        tokens=tokens,
        spent=float(spend["cost"] or 0),
        per_million_tokens=price,
        per_million_products=tokens / rows * price if rows else None,
    )
