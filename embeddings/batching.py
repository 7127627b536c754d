"""Splitting any number of rows into calls that a model takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from embeddings.base import Embedder
from embeddings.types import Embeddings, Input, Role, Usage

T = TypeVar("T")


def split(rows: Sequence[T], max_rows: int) -> Iterator[Sequence[T]]:
    """Consecutive runs of `max_rows` rows; the last may be shorter."""
    for start in range(0, len(rows), max_rows):
        yield rows[start : start + max_rows]


def embed_all(embedder: Embedder, inputs: Sequence[Input], role: Role) -> Embeddings:
    """Embed any number of inputs in as many calls as the model needs.

    Raises:
        EmbeddingError: from the first call that fails; the others' vectors are lost with it.
    """
    parts = [embedder.embed(rows, role) for rows in split(inputs, embedder.spec.max_rows)]
    none = np.empty((0, embedder.spec.dimension), np.float32)
    return Embeddings(
        np.concatenate([none, *(part.vectors for part in parts)]),
        Usage(sum(part.usage.tokens for part in parts)),
    )
