"""Giving stale products their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models.functions import Now
from numpy.typing import NDArray
from pgvector import HalfVector
from psycopg import sql

from embeddings.base import Embedder
from embeddings.batching import embed_all
from embeddings.errors import Rejected
from embeddings.types import Input, Role
from recommender import database
from recommender.models import Space
from recommender.spaces import partitions, staleness, template
from recommender.spaces.staleness import StaleProduct

_WRITE = sql.SQL("""
INSERT INTO {vectors} AS v (space_id, product_id, embedding, content_hash, embedded_at)
SELECT {space}, product_id, embedding, content_hash, now() FROM embedded
ON CONFLICT (space_id, product_id) DO UPDATE SET embedding = excluded.embedding,
    content_hash = excluded.content_hash, embedded_at = excluded.embedded_at
WHERE v.content_hash <> excluded.content_hash
""")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A product's new vector, shape (dimension,), or None where it has no text to embed."""

    product_id: int
    content_hash: UUID
    vector: NDArray[np.float32] | None


def embed(space: Space, embedder: Embedder, products: Sequence[StaleProduct]) -> list[Embedded]:
    """The vectors of these products.

    A product without text, or with one the model never takes, gets None, which is stored: it
    is done, not forgotten.

    Raises:
        EmbeddingError: from the embedder; nothing of the call is kept.
    """
    texts = [template.render(space.template, product) for product in products]
    inputs = [Input(text=text) for text in texts if text]
    vectors = iter(_vectors(embedder, inputs))
    return [
        Embedded(product.id, product.content_hash, next(vectors) if text else None)
        for product, text in zip(products, texts, strict=True)
    ]


def _vectors(embedder: Embedder, inputs: Sequence[Input]) -> list[NDArray[np.float32] | None]:
    """A vector for each input; where the model refuses some, halving finds which."""
    try:
        return list(embed_all(embedder, inputs, Role.DOCUMENT).vectors)
    except Rejected:
        if len(inputs) == 1:
            return [None]
        middle = len(inputs) // 2
        return _vectors(embedder, inputs[:middle]) + _vectors(embedder, inputs[middle:])


def write(space: Space, embedded: Sequence[Embedded]) -> None:
    """Store vectors and give the claims back, all or nothing."""
    with transaction.atomic():
        database.execute(
            "CREATE TEMPORARY TABLE embedded (product_id bigint, embedding halfvec, "
            "content_hash uuid) ON COMMIT DROP"
        )
        with database.copy("COPY embedded FROM STDIN") as stream:
            for row in embedded:
                vector = None if row.vector is None else HalfVector(row.vector).to_text()
                stream.write_row((row.product_id, vector, row.content_hash))
        vectors = partitions.product_vectors(space.pk)
        database.execute(_WRITE.format(vectors=vectors, space=sql.Literal(space.pk)))
        database.execute("DROP TABLE embedded")
        staleness.release(space.pk, [row.product_id for row in embedded])
        Space.objects.filter(pk=space.pk).update(embedded_at=Now())


def embed_claimed(space: Space, embedder: Embedder, *, owner: str, after: int, limit: int) -> int:
    """Claim, embed and store one batch; the last product's id, or 0 where none was stale.

    Raises:
        EmbeddingError: from the embedder, after the claims were given back.
    """
    products = staleness.claim(space, owner=owner, after=after, limit=limit)
    if not products:
        return 0
    try:
        embedded = embed(space, embedder, products)
    except BaseException:
        staleness.release(space.pk, [product.id for product in products])
        raise
    write(space, embedded)
    return products[-1].id
