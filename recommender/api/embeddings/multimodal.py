"""The DashScope-native endpoint for texts, pictures and videos."""

import numpy as np

from embeddings.types import Output, Role
from recommender.api.auth import Caller
from recommender.api.embeddings.contents import contents_of
from recommender.api.embeddings.embedding import Wanted, embed
from recommender.api.embeddings.endpoint import Body, endpoint
from recommender.api.embeddings.errors import invalid
from recommender.api.embeddings.parameters import (
    choice,
    dimension,
    flag,
    model_key,
    section,
    text,
)
from recommender.api.embeddings.protocols import NATIVE


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
