"""Any number of inputs embedded by a model that takes so many a call."""

from collections.abc import Sequence

import numpy as np

from embeddings.base import Embedder
from embeddings.calls.batching import split
from embeddings.types import Embeddings, Input, Role, Usage


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
