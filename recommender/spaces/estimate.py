"""What embedding a space would take: looked up and counted, nothing is sent."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

from django.db.models import Exists, OuterRef, QuerySet

from embeddings.calls.tokens import estimate_input
from embeddings.errors import Rejected
from embeddings.spec import ModelSpec
from embeddings.types import Output, Role
from recommender.models import Product, ProductVector, Space
from recommender.providers import cache, models
from recommender.providers.cache import CacheKey
from recommender.spaces import staleness
from recommender.spaces.staleness import StaleProduct, fresh
from recommender.spaces.template import content

# Of more products than this, so many drawn at random stand for all.
SAMPLE = 5_000
_CHUNK = 500
_FIELDS = tuple(field.name for field in fields(StaleProduct))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What embedding what is stale would take, about.

    Attributes:
        products: without a fresh vector, and with something for the space to read.
        bare: without a fresh vector, and with nothing to read: no picture, or no text.
        cached: inputs whose vectors are in the cache, and cost nothing.
        rows: inputs to ask the model for, each content once.
        tokens: of those.
        cost: in US dollars.
        seconds: at the model's rate limit; 0 where it has none.
        sampled: products looked at where they stand for all, else 0.
    """

    products: int
    bare: int
    cached: int
    rows: int
    tokens: int
    cost: float
    seconds: float
    sampled: int

    def __str__(self) -> str:
        parts = [f"{self.products:,} products to embed", f"about {self.tokens:,} tokens"]
        if self.bare:
            parts.insert(1, f"{self.bare:,} with nothing for it to read left out")
        if self.cached:
            parts.append(f"{self.cached:,} inputs in the cache")
        parts.append(f"${self.cost:,.4f}")
        if self.seconds:
            parts.append(f"{duration(self.seconds)} at the model's rate limit")
        if self.sampled:
            parts.append(f"by a sample of {self.sampled:,}")
        return ", ".join(parts)


def estimate(space: Space) -> Estimate:
    """What embedding a space's stale products would take.

    Raises:
        Misconfigured: there is no such model. Its API key need not be there.
    """
    stale = staleness.count(space)
    if space.kind == Space.Kind.BEHAVIOUR:
        # Predicted, and not embedded.
        return Estimate(
            products=stale, bare=0, cached=0, rows=0, tokens=0, cost=0.0, seconds=0.0, sampled=0
        )
    spec = models.spec(space.model).at(space.dimension)
    looked_at = min(stale, SAMPLE)
    seen = _looked_up(space, spec, looked_at)
    scale = stale / looked_at if looked_at else 1.0
    rows, tokens = round(seen.rows * scale), round(seen.tokens * scale)
    bare = round(seen.bare * scale)
    return Estimate(
        products=stale - bare,
        bare=bare,
        cached=round(seen.cached * scale),
        rows=rows,
        tokens=tokens,
        cost=spec.cost(tokens),
        seconds=_seconds(spec, rows, tokens),
        sampled=looked_at if looked_at < stale else 0,
    )


def duration(seconds: float) -> str:
    """A time in words, to two of its units."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of some stale products: those with nothing to read, inputs in the cache, inputs to ask the
    model for, and the tokens of these."""

    bare: int
    cached: int
    rows: int
    tokens: int


def _looked_up(space: Space, spec: ModelSpec, count: int) -> _Seen:
    """What so many stale products would take."""
    cache_key = CacheKey(spec, Output(space.output), space.instruction, Role.DOCUMENT)
    seen: set[bytes] = set()
    bare = cached = tokens = 0
    for chunk, without in _chunks(space, spec, cache_key, count):
        bare += without
        new = {key: size for key, size in chunk.items() if key not in seen}
        kept = cache.kept(new) if spec.is_hosted else set()
        cached += len(kept)
        tokens += sum(size for key, size in new.items() if key not in kept)
        seen |= new.keys()
    return _Seen(bare, cached, len(seen) - cached, tokens)


def _chunks(
    space: Space, spec: ModelSpec, cache_key: CacheKey, count: int
) -> Iterator[tuple[dict[bytes, int], int]]:
    """Tokens by digest of the products' inputs, and how many products have none, some hundred
    products at a time."""
    chunk: dict[bytes, int] = {}
    bare = 0
    for number, product in enumerate(_sample(space, count), start=1):
        try:
            inputs = content(space, spec, product).inputs
        except Rejected:
            # It will be quarantined before anything is sent.
            continue
        bare += not inputs
        chunk |= {cache_key.digest(source): estimate_input(source) for source in inputs}
        if number % _CHUNK == 0:
            yield chunk, bare
            chunk, bare = {}, 0
    yield chunk, bare


def _sample(space: Space, count: int) -> Iterator[StaleProduct]:
    """So many stale products, drawn at random."""
    drawn = _stale(space).order_by("?").values("pk")[:count]
    rows = Product.objects.filter(pk__in=drawn).order_by().values_list(*_FIELDS)
    for row in rows.iterator(chunk_size=_CHUNK):
        yield StaleProduct(*row)


def _stale(space: Space) -> QuerySet[Product]:
    vectors = ProductVector.objects.filter(space_id=space.pk, product_id=OuterRef("pk"))
    live = Product.objects.filter(catalog_id=space.catalog_id, deleted_at=None)
    return live.exclude(Exists(vectors.filter(fresh(OuterRef("content_hash")))))


def _seconds(spec: ModelSpec, rows: int, tokens: int) -> float:
    calls = rows / spec.max_rows
    if spec.max_call_tokens:
        calls = max(calls, tokens / spec.max_call_tokens)
    by_requests = math.ceil(calls) / spec.requests_per_minute if spec.requests_per_minute else 0.0
    by_tokens = tokens / spec.tokens_per_minute if spec.tokens_per_minute else 0.0
    return 60 * max(by_requests, by_tokens)
