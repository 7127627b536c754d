"""Whatever is sent, the embedding endpoints answer in their protocol and never break."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recommender.api.embeddings.client import COMPATIBLE, MULTIMODAL, PNG, TEXT
from tests.recommender.api.test_fuzz import json, text

models = st.sampled_from(["fake", "fake", "wordllama-256", "text-embedding-v99"]) | json
rows = text | st.lists(text, max_size=3) | json
contents = st.lists(
    st.dictionaries(
        st.sampled_from(["text", "image", "video", "multi_images", "factor"]),
        text | st.sampled_from([PNG, "https://shop.example/a.png"]) | json,
        max_size=2,
    ),
    max_size=3,
)
parameters = st.dictionaries(
    st.sampled_from(
        [
            *("dimension", "dimensions", "text_type", "output_type", "instruct"),
            *("enable_fusion", "encoding_format", "user"),
        ]
    ),
    st.sampled_from(["64", 128, "query", "sparse", "base64", True]) | json,
    max_size=3,
)


def native(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = {
        "model": models,
        "input": st.fixed_dictionaries({name: value}) | json,
        "parameters": parameters | json,
    }
    return st.fixed_dictionaries({}, optional=body) | json


compatible = st.builds(
    lambda body, more: more | body,
    st.fixed_dictionaries({}, optional={"model": models, "input": rows}),
    parameters,
)


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        (COMPATIBLE, compatible | json),
        (TEXT, native("texts", rows)),
        (MULTIMODAL, native("contents", contents | json)),
    ],
    ids=[COMPATIBLE, TEXT, MULTIMODAL],
)
def test_no_body_breaks_an_endpoint(embed, path, bodies):
    @settings(max_examples=150)
    @given(bodies)
    def check(body: Any) -> None:
        response = embed.api.send("POST", path, orjson.dumps(body))
        answer = orjson.loads(response.content)
        assert response.status_code in (200, 400, 404), response.content
        assert response["Content-Type"] == "application/json"
        assert response["x-request-id"] in (answer.get("request_id"), answer.get("id"))

    check()
