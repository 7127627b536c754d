"""Two spaces side by side: what they are, cost, cover and find, and how well they recommend."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from recommender.insight import replay
from recommender.insight.overlap import Overlap, overlap
from recommender.insight.replay import Quality
from recommender.models import EmbeddingSpend, Space
from recommender.providers import models
from recommender.spaces import partitions
from recommender.spaces.partitions import SpaceError
from recommender.spaces.switching import Coverage, coverage


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
    """Two spaces of one catalogue, measured by the code that serves.

    Raises:
        SpaceError: they are of two catalogues, are one space, or one is retired.
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


def _check(first: Space, second: Space) -> None:
    if first.catalog_id != second.catalog_id:
        raise SpaceError("The spaces belong to two catalogues and cannot be compared.")
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
