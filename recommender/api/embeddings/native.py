"""The DashScope-native endpoint for texts."""

import numpy as np

from embeddings.calls.outcome import EmbeddedRow
from embeddings.types import Output, Role, SparseVector
from recommender.api.auth import Caller
from recommender.api.embeddings.embedding import Wanted, embed
from recommender.api.embeddings.endpoint import Body, endpoint
from recommender.api.embeddings.parameters import choice, dimension, model_key, section, text
from recommender.api.embeddings.protocols import NATIVE
from recommender.api.embeddings.texts import inputs_of


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
