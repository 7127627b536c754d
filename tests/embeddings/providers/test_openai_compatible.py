"""The dialects of OpenAI's protocol, and answers that are not as they should be."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from embeddings.errors import Misconfigured, Rejected, TooLong, Unavailable
from embeddings.providers.openai_compatible import OpenAICompatibleEmbedder
from embeddings.providers.table import PROVIDERS, ProviderOptions
from embeddings.spec import ModelSpec
from embeddings.types import Input, Role
from tests.stub import Behaviour, Cut, Problem, Reply, Stub, faults

SPEC = ModelSpec(key="m", dimension=64, dimensions=(256, 64), max_rows=10, max_tokens=100)
MUGS = [Input(text="red mug"), Input(text="blue mug"), Input(text="green mug")]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


def embedder(
    stub: Stub,
    options: ProviderOptions | None = None,
    *,
    spec: ModelSpec = SPEC,
    instruction: str = "",
    timeout: float = 10.0,
) -> OpenAICompatibleEmbedder:
    return OpenAICompatibleEmbedder(
        spec,
        name="vendor/m",
        base_url=stub.compatible_url,
        api_key="secret",
        options=options or ProviderOptions(),
        instruction=instruction,
        timeout=timeout,
    )


def options_of(provider: str) -> ProviderOptions:
    options = PROVIDERS[provider].options
    assert options is not None
    return options


def sent(stub: Stub) -> Any:
    return stub.record.calls[-1].body


def test_a_call_is_one_of_openais(stub: Stub) -> None:
    embeddings = embedder(stub).embed(MUGS[:2], Role.DOCUMENT)

    assert stub.record.calls[-1].path == "/compatible-mode/v1/embeddings"
    assert stub.record.calls[-1].headers["authorization"] == "Bearer secret"
    assert sent(stub) == {
        "model": "vendor/m",
        "input": ["red mug", "blue mug"],
        "encoding_format": "float",
        "dimensions": 64,
    }
    assert embeddings.vectors.shape == (2, 64)
    assert embeddings.usage.tokens == 4


@pytest.mark.parametrize(
    ("provider", "role", "expected"),
    [
        ("openai", Role.QUERY, {"encoding_format": "float", "dimensions": 64}),
        ("dashscope-compatible", Role.QUERY, {"encoding_format": "float", "dimensions": 64}),
        (
            "jina",
            Role.QUERY,
            {
                "embedding_type": "float",
                "normalized": True,
                "truncate": False,
                "task": "retrieval.query",
                "dimensions": 64,
            },
        ),
        (
            "jina",
            Role.DOCUMENT,
            {
                "embedding_type": "float",
                "normalized": True,
                "truncate": False,
                "task": "retrieval.passage",
                "dimensions": 64,
            },
        ),
        (
            "voyage",
            Role.QUERY,
            {"truncation": False, "input_type": "query", "output_dimension": 64},
        ),
        (
            "voyage",
            Role.DOCUMENT,
            {"truncation": False, "input_type": "document", "output_dimension": 64},
        ),
        ("tei", Role.DOCUMENT, {"encoding_format": "float", "dimensions": 64}),
        ("infinity", Role.DOCUMENT, {"encoding_format": "float", "dimensions": 64}),
        ("ollama", Role.DOCUMENT, {"encoding_format": "float", "dimensions": 64}),
        ("vllm", Role.DOCUMENT, {"encoding_format": "float", "dimensions": 64}),
    ],
)
def test_each_provider_is_asked_in_its_dialect(
    stub: Stub, provider: str, role: Role, expected: dict[str, object]
) -> None:
    embeddings = embedder(stub, options_of(provider)).embed(MUGS, role)

    asked = {name: value for name, value in sent(stub).items() if name not in {"model", "input"}}
    assert asked == expected
    assert embeddings.vectors.shape == (3, 64)


def test_cohere_has_no_dimensions_so_its_vectors_are_cut(stub: Stub) -> None:
    stub.behave(Behaviour(dimension=256))
    text = [Input(text="A stoneware mug for tea or coffee, dishwasher safe and of 350 ml")]

    whole = embedder(stub, options_of("cohere"), spec=SPEC.at(256)).embed(text, Role.DOCUMENT)
    cut = embedder(stub, options_of("cohere")).embed(text, Role.DOCUMENT)

    assert "dimensions" not in sent(stub)
    head = whole.vectors[:, :64]
    np.testing.assert_allclose(cut.vectors, head / np.linalg.norm(head), atol=1e-5)


def test_a_model_of_one_dimension_is_not_asked_for_it(stub: Stub) -> None:
    stub.behave(Behaviour(dimension=48))
    spec = replace(SPEC, dimension=48, dimensions=(48,))

    assert embedder(stub, spec=spec).embed(MUGS, Role.QUERY).vectors.shape == (3, 48)
    assert "dimensions" not in sent(stub)


def test_a_model_trained_with_prompts_gets_them_before_each_text(stub: Stub) -> None:
    e5 = embedder(
        stub, ProviderOptions(prompts={Role.QUERY: "query: ", Role.DOCUMENT: "passage: "})
    )

    e5.embed(MUGS[:1], Role.QUERY)
    assert sent(stub)["input"] == ["query: red mug"]
    e5.embed(MUGS[:1], Role.DOCUMENT)
    assert sent(stub)["input"] == ["passage: red mug"]


@pytest.mark.parametrize(
    ("instruction", "role", "expected"),
    [
        ("Find a gift", Role.QUERY, "Instruct: Find a gift\nQuery:red mug"),
        ("", Role.QUERY, "red mug"),
        ("Find a gift", Role.DOCUMENT, "red mug"),
    ],
)
def test_an_instruction_takes_its_place_in_the_prompt(
    stub: Stub, instruction: str, role: Role, expected: str
) -> None:
    options = ProviderOptions(prompts={Role.QUERY: "Instruct: {instruction}\nQuery:"})

    embedder(stub, options, instruction=instruction).embed(MUGS[:1], role)

    assert sent(stub)["input"] == [expected]


def test_a_server_without_a_key_is_sent_none(stub: Stub) -> None:
    stub.script(Reply(body=answer([[1.0, 0.0]])))
    bare = OpenAICompatibleEmbedder(
        replace(SPEC, dimension=2, dimensions=(2,)),
        name="m",
        base_url=stub.compatible_url,
        options=ProviderOptions(),
    )

    bare.embed(MUGS[:1], Role.QUERY)

    assert "authorization" not in stub.record.calls[-1].headers


def answer(vectors: Sequence[object], **usage: int) -> dict[str, object]:
    rows = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"data": rows, "usage": usage}


def test_vectors_may_come_as_base64_without_being_asked_for(stub: Stub) -> None:
    spec = replace(SPEC, dimension=2, dimensions=(2,))
    encoded = base64.b64encode(np.array([0.6, 0.8], "<f4").tobytes()).decode()
    stub.script(Reply(body=answer([encoded, [0.0, 2.0]])))

    embeddings = embedder(stub, spec=spec).embed(MUGS[:2], Role.QUERY)

    np.testing.assert_allclose(embeddings.vectors, [[0.6, 0.8], [0.0, 1.0]], atol=1e-6)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"prompt_tokens": 3}, 3), ({"prompt_tokens": 3, "total_tokens": 4}, 4), ({}, 0)],
)
def test_tokens_are_counted_as_the_server_counts_them(
    stub: Stub, usage: dict[str, int], tokens: int
) -> None:
    stub.script(Reply(body=answer([[1.0] * 64], **usage)))

    assert embedder(stub).embed(MUGS[:1], Role.QUERY).usage.tokens == tokens


def test_rows_in_another_order_are_put_right(stub: Stub) -> None:
    expected = embedder(stub).embed(MUGS, Role.DOCUMENT).vectors
    stub.script(Reply(rows=faults.backwards))

    np.testing.assert_array_equal(embedder(stub).embed(MUGS, Role.DOCUMENT).vectors, expected)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.one_short, "2 rows, not with one for each of 3"),
        (faults.one_more, "4 rows, not with one for each of 3"),
        (faults.same_index, "3 rows, not with one for each of 3"),
        (faults.too_short, r"shape \(63,\) for one of 64 dimensions"),
    ],
)
def test_an_answer_that_does_not_fit_is_asked_for_again(
    stub: Stub, fault: Any, message: str
) -> None:
    stub.script(Reply(rows=fault))

    with pytest.raises(Unavailable, match=message):
        embedder(stub).embed(MUGS, Role.DOCUMENT)


@pytest.mark.parametrize("fault", [faults.not_a_number, faults.zero])
def test_one_vector_that_is_unusable_is_its_rows_fault(stub: Stub, fault: Any) -> None:
    stub.script(Reply(rows=fault))

    with pytest.raises(Rejected, match="no usable vector for row 0"):
        embedder(stub).embed(MUGS, Role.DOCUMENT)


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (Problem(401, "InvalidApiKey", "No.", "invalid_api_key"), Misconfigured),
        (Problem(404, "ModelNotFound", "None.", "model_not_found"), Misconfigured),
        (Problem(400, "InvalidParameter", "Range of input length should be [1, 8]"), TooLong),
        (Problem(400, "DataInspectionFailed", "Bad.", "data_inspection_failed"), Rejected),
        (Problem(500, "InternalError", "Oops.", "internal_error"), Unavailable),
    ],
)
def test_an_error_says_whether_to_try_again(stub: Stub, problem: Problem, error: Any) -> None:
    stub.script(Reply(status=problem.status, body=problem.compatible("r1")))

    with pytest.raises(error) as caught:
        embedder(stub).embed(MUGS, Role.DOCUMENT)
    assert type(caught.value) is error


def test_a_throttled_call_says_how_long_to_wait(stub: Stub) -> None:
    body = Problem(429, "Throttling.RateQuota", "Slow down.", "limit_requests").compatible("r1")
    stub.script(Reply(status=429, headers={"Retry-After": "7"}, body=body))

    with pytest.raises(Unavailable) as caught:
        embedder(stub).embed(MUGS, Role.DOCUMENT)
    assert (caught.value.retry_after, caught.value.is_throttling) == (7.0, True)


def test_a_slow_or_broken_answer_is_asked_for_again(stub: Stub) -> None:
    stub.script(Reply(cut=Cut.AFTER_HEADERS), Reply(raw=b"<html>"), Reply(delay=5.0))

    for _ in range(2):
        with pytest.raises(Unavailable):
            embedder(stub).embed(MUGS, Role.DOCUMENT)
    with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
        embedder(stub, timeout=0.2).embed(MUGS, Role.DOCUMENT)
