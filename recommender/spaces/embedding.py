"""Giving stale products their vectors: claimed, embedded and stored batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models.functions import Now
from numpy.typing import NDArray

from embeddings.base import Embedder
from embeddings.calls import long_text
from embeddings.calls.long_text import Treatment
from embeddings.calls.outcome import EmbeddedRow, Outcome
from embeddings.calls.tokens import estimate
from embeddings.errors import (
    EmbeddingError,
    MediaUnavailable,
    Misconfigured,
    Rejected,
    TooLong,
    Unavailable,
)
from embeddings.types import Role, SparseVector
from recommender import database
from recommender.models import Space
from recommender.providers import metered
from recommender.providers.metered import Account
from recommender.spaces import lifecycle, plain_text, quarantine, staleness
from recommender.spaces.partitions import OTHER_CONTENT, VectorRow, upsert_vectors
from recommender.spaces.quarantine import Refusal
from recommender.spaces.staleness import ClaimedProduct, StaleProduct
from recommender.spaces.template import Content, content

# Where the model finds more tokens in a text than were estimated, it is cut to these shares of
# the limit, one after the other.
_SHORTER = (0.75, 0.5, 0.3)


@dataclass(frozen=True, slots=True)
class Embedded:
    """A product that is done with: `vector` has shape (dimension,) and length one.

    Without a vector it has nothing to embed, or `refusal` says why the model refused it.
    """

    product_id: int
    content_hash: UUID
    vector: NDArray[np.float32] | None
    sparse: SparseVector | None = None
    treatment: Treatment | None = None
    refusal: Rejected | MediaUnavailable | None = None

    @property
    def is_made(self) -> bool:
        """Whether it has a vector of either kind."""
        return self.vector is not None or self.sparse is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """The products that are done with; `failure` is why the others stay stale."""

    embedded: list[Embedded]
    failure: EmbeddingError | None = None

    @property
    def stops(self) -> bool:
        """Whether going on makes no sense for now.

        Where some rows were answered and others found the model unavailable, it does: those are
        met again at the end.
        """
        made = any(row.is_made for row in self.embedded)
        return self.failure is not None and not (made and isinstance(self.failure, Unavailable))


@dataclass(frozen=True, slots=True)
class Step:
    """One batch: how many products it had, the last one's id, whether embedding is paused."""

    products: int
    last: int
    is_paused: bool


_NOTHING_STALE = Step(0, 0, is_paused=False)


def embed_claimed(space: Space, embedder: Embedder, *, owner: str, after: int, limit: int) -> Step:
    """Claim, embed and store one batch of stale products with an id above `after`.

    What the model refuses is quarantined, and what workers die of. What it could not answer stays
    stale; where that was all of it, or money or configuration is missing, the space says that it
    is paused.

    Raises:
        Exception: whatever is no EmbeddingError, after the claims were given back.
    """
    products = staleness.claim(space, owner=owner, after=after, limit=limit)
    if not products:
        return _NOTHING_STALE
    ids = [product.id for product in products]
    plain_text.settle_boilerplate(space)
    try:
        with staleness.claims_kept(space.pk, ids, owner):
            answer = embed(space, embedder, products) if _may_try(products) else _given_up(products)
            write(space, answer.embedded)
    finally:
        staleness.release(space.pk, ids)
    if answer.stops:
        is_misconfigured = isinstance(answer.failure, Misconfigured)
        lifecycle.pause(space, str(answer.failure), needs_person=is_misconfigured)
    return Step(len(products), ids[-1], answer.stops)


def _may_try(products: Sequence[ClaimedProduct]) -> bool:
    """Not where workers died of it; such a product is claimed alone."""
    return products[0].deaths < staleness.MOST_DEATHS


def _given_up(products: Sequence[StaleProduct]) -> Answer:
    refusal = Rejected(
        f"The worker died {staleness.MOST_DEATHS} times while it was at this product, most likely "
        "of a picture or a video that takes too much memory: give smaller ones, or try again.",
        code="WorkerDied",
    )
    return Answer([Embedded(p.id, p.content_hash, None, refusal=refusal) for p in products])


def embed(space: Space, embedder: Embedder, products: Sequence[StaleProduct]) -> Answer:
    """What the model makes of these products."""
    rows = _rows(space, embedder, products)
    if space.long_text != Space.LongText.REJECT:
        for share in _SHORTER:
            _try_shorter(space, embedder, products, rows, share)
    embedded: list[Embedded] = []
    failure = None
    for product, row in zip(products, rows, strict=True):
        if isinstance(row, Embedded):
            embedded.append(row)
        elif isinstance(row, Rejected | MediaUnavailable):
            embedded.append(Embedded(product.id, product.content_hash, None, refusal=row))
        else:
            failure = failure or row
    return Answer(embedded, failure)


def write(space: Space, embedded: Sequence[Embedded]) -> None:
    """Store vectors, and who is in quarantine, all or nothing."""
    if not embedded:
        return
    with transaction.atomic():
        # What a crash of the server loses of the last moment is stale again, and made again.
        database.execute("SET LOCAL synchronous_commit TO off")
        upsert_vectors(space, list(map(_vector_row, embedded)), OTHER_CONTENT)
        quarantine.remove(space, [row.product_id for row in embedded if row.refusal is None])
        quarantine.add(space, list(_refusals(embedded)))
        if any(row.is_made for row in embedded):
            lifecycle.resume(space)
        # Last, for its row is every worker's.
        Space.objects.filter(pk=space.pk).update(embedded_at=Now())


_Row = Embedded | EmbeddingError


def _rows(
    space: Space,
    embedder: Embedder,
    products: Sequence[StaleProduct],
    max_tokens: int | None = None,
) -> list[_Row]:
    contents = [_content(space, embedder, product, max_tokens) for product in products]
    inputs = [part for row in contents if isinstance(row, Content) for part in row.inputs]
    account = Account(space.catalog, space)
    outcomes = iter(metered.embed_rows(embedder, inputs, Role.DOCUMENT, account))
    return [
        _row(product, product_content, outcomes)
        for product, product_content in zip(products, contents, strict=True)
    ]


def _try_shorter(
    space: Space,
    embedder: Embedder,
    products: Sequence[StaleProduct],
    rows: list[_Row],
    share: float,
) -> None:
    """Replace the rows that were too long by those of texts cut to a share of the limit."""
    places = [place for place, row in enumerate(rows) if isinstance(row, TooLong)]
    if places:
        max_tokens = int(share * embedder.spec.max_tokens)
        again = _rows(space, embedder, [products[place] for place in places], max_tokens)
        for place, row in zip(places, again, strict=True):
            rows[place] = row


def _content(
    space: Space, embedder: Embedder, product: StaleProduct, max_tokens: int | None
) -> Content | Rejected:
    try:
        return content(space, embedder.spec, product, max_tokens)
    except Rejected as exc:
        # Kept for the length of the batch: without the frames that its traceback holds.
        return exc.with_traceback(None)


def _row(
    product: StaleProduct, product_content: Content | Rejected, outcomes: Iterator[Outcome]
) -> _Row:
    """What became of a product; takes the outcomes of its inputs."""
    if isinstance(product_content, Rejected):
        return product_content
    if not product_content.inputs:
        return Embedded(product.id, product.content_hash, None)
    made: list[EmbeddedRow] = []
    failure: EmbeddingError | None = None
    for outcome in islice(outcomes, len(product_content.inputs)):
        if isinstance(outcome, EmbeddedRow):
            made.append(outcome)
        else:
            failure = failure or outcome
    if failure is not None:
        return failure
    try:
        vector, sparse = _averaged(product_content, made)
    except Rejected as exc:
        return exc.with_traceback(None)
    return Embedded(product.id, product.content_hash, vector, sparse, product_content.treatment)


def _averaged(
    product_content: Content, made: Sequence[EmbeddedRow]
) -> tuple[NDArray[np.float32] | None, SparseVector | None]:
    """The vectors of a product from those of its parts, weighted by their tokens."""
    if len(made) == 1:
        return made[0].vector, made[0].sparse
    weights = [estimate(part.text) for part in product_content.inputs]
    dense = [row.vector for row in made if row.vector is not None]
    sparse = [row.sparse for row in made if row.sparse is not None]
    return (
        long_text.mean(dense, weights) if dense else None,
        long_text.sparse_mean(sparse, weights) if sparse else None,
    )


def _vector_row(row: Embedded) -> VectorRow:
    return VectorRow(row.product_id, row.content_hash, row.vector, row.sparse, row.treatment)


def _refusals(embedded: Sequence[Embedded]) -> Iterator[Refusal]:
    for row in embedded:
        if row.refusal is not None:
            yield Refusal(row.product_id, row.content_hash, row.refusal.code, str(row.refusal))
