"""The endpoints: DashScope's native ones for texts and for media, and the OpenAI-compatible one."""

import base64
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.calls.outcome import EmbeddedRow
from embeddings.types import Output, Role, SparseVector
from recommender.api.auth import Caller
from recommender.api.embeddings.embedding import Wanted, embed
from recommender.api.embeddings.endpoint import (
    Body,
    choice,
    dimension,
    endpoint,
    flag,
    model_key,
    section,
    text,
)
from recommender.api.embeddings.inputs import contents_of, inputs_of
from recommender.api.embeddings.protocols import COMPATIBLE, NATIVE, invalid


@endpoint(NATIVE)
def text_embedding(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /api/v1/services/embeddings/text-embedding/text-embedding`."""
    parameters = section(body, "parameters")
    wanted = Wanted(
        model=model_key(body),
        dimension=dimension(parameters),
        role=choice(parameters, "text_type", Role.DOCUMENT),
        instruction=text(parameters, "instruct"),
        output=choice(parameters, "output_type", Output.DENSE),
    )
    spec = wanted.spec()
    inputs = inputs_of(section(body, "input").get("texts"), spec)
    made = embed(caller.catalog, wanted, spec, inputs)
    return {
        "output": {"embeddings": [_row(index, row) for index, row in enumerate(made)]},
        "usage": {"total_tokens": sum(row.tokens for row in made)},
        "request_id": request_id,
    }


def _row(index: int, made: EmbeddedRow) -> Body:
    row: Body = {"text_index": index}
    if made.vector is not None:
        row["embedding"] = np.ascontiguousarray(made.vector)
    if made.sparse is not None:
        row["sparse_embedding"] = _weights(made.sparse)
    return row


def _weights(sparse: SparseVector) -> list[Body]:
    tokens = sparse.tokens or ("",) * len(sparse.indices)
    return [
        {"index": index, "value": value, "token": token}
        for index, value, token in zip(sparse.indices, sparse.values, tokens, strict=True)
    ]


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


@endpoint(NATIVE)
def multimodal_embedding(caller: Caller, body: Body, request_id: str) -> Body:
    """`POST /api/v1/services/embeddings/multimodal-embedding/multimodal-embedding`."""
    parameters = section(body, "parameters")
    if choice(parameters, "output_type", Output.DENSE) is not Output.DENSE:
        raise invalid("Multimodal vectors are dense; use output_type dense.")
    instruction = text(parameters, "instruct")
    wanted = Wanted(
        model=model_key(body),
        dimension=dimension(parameters),
        # There is no text_type here: what comes with an instruction is a query.
        role=Role.QUERY if instruction else Role.DOCUMENT,
        instruction=instruction,
    )
    spec = wanted.spec()
    value = section(body, "input").get("contents")
    contents = contents_of(value, spec, fuse=flag(parameters, "enable_fusion"))
    sources = [content.source for content in contents]
    made = embed(caller.catalog, wanted, spec, sources)
    vectors = [np.ascontiguousarray(row.vector) for row in made if row.vector is not None]
    return {
        "output": {
            "embeddings": [
                {"index": index, "embedding": vector, "type": content.kind}
                for index, (content, vector) in enumerate(zip(contents, vectors, strict=True))
            ]
        },
        "usage": {
            "input_tokens": sum(row.tokens for row in made),
            "image_count": sum(len(source.images) for source in sources),
            "duration": 0,
        },
        "request_id": request_id,
    }
