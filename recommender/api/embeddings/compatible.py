"""The OpenAI-compatible endpoint."""

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.api.auth import Caller
from recommender.api.embeddings.embedding import Wanted, embed
from recommender.api.embeddings.endpoint import Body, endpoint
from recommender.api.embeddings.parameters import choice, dimension, model_key
from recommender.api.embeddings.protocols import COMPATIBLE
from recommender.api.embeddings.texts import inputs_of


class Encoding(StrEnum):
    """How a vector is written: as JSON numbers, or as base64 of little-endian float32."""

    FLOAT = "float"
    BASE64 = "base64"


@endpoint(COMPATIBLE)
def embeddings(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /compatible-mode/v1/embeddings`."""
    wanted = Wanted(model=model_key(body), dimension=dimension(body))
    encoding = choice(body, "encoding_format", Encoding.FLOAT)
    spec = wanted.spec()
    made = embed(caller.catalog, wanted, spec, inputs_of(body.get("input"), spec))
    tokens = sum(row.tokens for row in made)
    encode = _ENCODERS[encoding]
    vectors = [encode(row.vector) for row in made if row.vector is not None]
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ],
        "model": wanted.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "id": request_id,
    }


def _base64(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


_ENCODERS: dict[Encoding, Callable[[NDArray[np.float32]], Any]] = {
    Encoding.FLOAT: np.ascontiguousarray,
    Encoding.BASE64: _base64,
}
