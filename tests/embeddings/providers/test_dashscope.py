import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.errors import EmbeddingError, Misconfigured, Rejected, TooLong, Unavailable
from embeddings.providers.dashscope import DashScopeMultimodalEmbedder, DashScopeTextEmbedder
from embeddings.spec import EVERYTHING, Fusion, MediaLimits, ModelSpec
from embeddings.types import Input, Output, Role
from tests.stub import PROBLEMS, Behaviour, Cut, Problem, Reply, Stub, faults

KEY = "sk-0123456789-secret"
V4 = ModelSpec(
    key="text-embedding-v4",
    dimension=64,
    dimensions=(128, 64),
    max_rows=10,
    max_tokens=8192,
    has_sparse=True,
    has_instruction=True,
    is_hosted=True,
)
V2 = ModelSpec(
    key="text-embedding-v2", dimension=1536, dimensions=(1536,), max_rows=25, max_tokens=2048
)
MEDIA = MediaLimits(
    image_bytes=3_000_000,
    image_formats=frozenset({"png", "jpeg"}),
    video_bytes=10_000_000,
    video_formats=frozenset({"mp4"}),
)
V1 = ModelSpec(
    key="multimodal-embedding-v1",
    dimension=1024,
    dimensions=(1024,),
    max_rows=1,
    max_tokens=512,
    modalities=EVERYTHING,
    media=MEDIA,
)
VISION = ModelSpec(
    key="tongyi-embedding-vision-plus",
    dimension=64,
    dimensions=(1152, 64),
    max_rows=8,
    max_tokens=1024,
    modalities=EVERYTHING,
    media=MediaLimits(image_bytes=3_000_000, image_formats=frozenset({"png"}), images=8),
)
VL = ModelSpec(
    key="qwen3-vl-embedding",
    dimension=64,
    dimensions=(2560, 64),
    max_rows=20,
    max_tokens=32_000,
    modalities=EVERYTHING,
    media=MediaLimits(image_bytes=10_000_000, image_formats=frozenset({"png"}), images=5),
    fusion=Fusion.ON_REQUEST,
    has_instruction=True,
)
PICTURE = "https://img.example/mug.png"
OTHER_PICTURE = "https://img.example/cup.png"
VIDEO = "https://v.example/mug.mp4"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(Behaviour(api_key=KEY)) as stub:
        yield stub


def text(stub: Stub, spec: ModelSpec = V4, **options: Any) -> DashScopeTextEmbedder:
    about = {"name": spec.key, "base_url": stub.native_url, "api_key": KEY} | options
    return DashScopeTextEmbedder(spec, **about)


def multimodal(stub: Stub, spec: ModelSpec = V1, **options: Any) -> DashScopeMultimodalEmbedder:
    about = {"name": spec.key, "base_url": stub.native_url, "api_key": KEY} | options
    return DashScopeMultimodalEmbedder(spec, **about)


def texts(*strings: str) -> list[Input]:
    return [Input(text=string) for string in strings]


def sent(stub: Stub) -> Any:
    return stub.record.calls[-1].body


def direction(vector: Any) -> np.ndarray:
    array = np.asarray(vector, np.float32)
    return array / np.linalg.norm(array)


# --- texts ---


def test_a_text_is_asked_for_as_the_vendor_documents(stub: Stub) -> None:
    text(stub, name="text-embedding-v4-2025").embed(texts("red mug", "cup"), Role.DOCUMENT)

    assert stub.record.calls[-1].path == "/api/v1/services/embeddings/text-embedding/text-embedding"
    assert sent(stub) == {
        "model": "text-embedding-v4-2025",
        "input": {"texts": ["red mug", "cup"]},
        "parameters": {"text_type": "document", "dimension": 64},
    }


def test_a_model_of_one_dimension_is_not_asked_for_it(stub: Stub) -> None:
    with pytest.raises(Misconfigured, match="shape"):  # the double gives 1,024 then
        text(stub, V2).embed(texts("mug"), Role.QUERY)

    assert sent(stub)["parameters"] == {"text_type": "query"}


def test_each_text_gets_its_vector_of_length_one_and_tokens_are_counted(stub: Stub) -> None:
    embeddings = text(stub).embed(texts("red mug", "cup"), Role.DOCUMENT)
    alone = text(stub).embed(texts("cup"), Role.DOCUMENT)

    assert embeddings.vectors.shape == (2, 64)
    assert embeddings.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings.vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embeddings.vectors[1], alone.vectors[0])
    assert (embeddings.usage.tokens, embeddings.sparse) == (3, ())


def test_an_instruction_goes_with_queries_only(stub: Stub) -> None:
    embedder = text(stub, instruction="Find gifts")
    query = embedder.embed(texts("mug"), Role.QUERY)
    assert sent(stub)["parameters"]["instruct"] == "Find gifts"

    document = embedder.embed(texts("mug"), Role.DOCUMENT)
    assert "instruct" not in sent(stub)["parameters"]
    assert not np.allclose(query.vectors, document.vectors)


def test_sparse_vectors_come_beside_dense_ones_in_ascending_indices(stub: Stub) -> None:
    embeddings = text(stub, output=Output.BOTH).embed(
        texts("red mug red cup", "cup"), Role.DOCUMENT
    )

    assert sent(stub)["parameters"]["output_type"] == "dense&sparse"
    assert embeddings.vectors.shape == (2, 64)
    first, second = embeddings.sparse
    assert list(first.indices) == sorted(first.indices)
    assert dict(zip(first.tokens, first.values, strict=True)) == {
        "red": 0.75,
        "mug": 0.5,
        "cup": 0.5,
    }
    assert second.tokens == ("cup",)
    assert set(second.indices) < set(first.indices)


def test_sparse_vectors_may_come_alone(stub: Stub) -> None:
    embeddings = text(stub, output=Output.SPARSE).embed(texts("mug", "cup"), Role.DOCUMENT)

    assert sent(stub)["parameters"]["output_type"] == "sparse"
    assert embeddings.vectors.shape == (2, 0)
    assert len(embeddings.sparse) == 2


def test_a_dense_vector_that_comes_unasked_with_sparse_ones_is_left_out(stub: Stub) -> None:
    row = {"text_index": 0, "embedding": [1.0, 2.0], "sparse_embedding": [{"index": 7, "value": 1}]}
    stub.script(Reply(body={"output": {"embeddings": [row]}, "usage": {"total_tokens": 1}}))
    embeddings = text(stub, output=Output.SPARSE).embed(texts("mug"), Role.DOCUMENT)

    assert embeddings.vectors.shape == (1, 0)
    assert (embeddings.sparse[0].indices, embeddings.sparse[0].tokens) == ((7,), ())


@pytest.mark.parametrize(
    "weights",
    [
        None,
        "x",
        [1],
        [{"index": 1}],
        [{"index": "a", "value": 1}],
        [{"index": 1, "value": 1}, {"index": 1, "value": 2}],
        [{"index": -1, "value": 1}],
    ],
)
def test_a_sparse_vector_that_is_none_can_be_asked_for_again(stub: Stub, weights: Any) -> None:
    row = {"text_index": 0, "sparse_embedding": weights}
    stub.script(Reply(body={"output": {"embeddings": [row]}}))

    with pytest.raises(Unavailable, match="sparse vector"):
        text(stub, output=Output.SPARSE).embed(texts("mug"), Role.DOCUMENT)


def test_a_workspace_goes_as_a_header(stub: Stub) -> None:
    text(stub, workspace="llm-7").embed(texts("mug"), Role.DOCUMENT)
    assert stub.record.calls[-1].headers["x-dashscope-workspace"] == "llm-7"

    text(stub).embed(texts("mug"), Role.DOCUMENT)
    assert "x-dashscope-workspace" not in stub.record.calls[-1].headers


def test_the_fields_that_some_deployments_add_change_nothing(stub: Stub) -> None:
    rows = [{"text_index": 0, "embedding": [3.0] * 64, "new": 1}]
    more = {"status_code": 200, "code": "", "message": "", "new": [1]}
    stub.script(Reply(body={"output": {"embeddings": rows}, "usage": {"total_tokens": 5}} | more))
    embeddings = text(stub).embed(texts("mug"), Role.DOCUMENT)

    np.testing.assert_allclose(embeddings.vectors, 1 / 8, atol=1e-6)
    assert embeddings.usage.tokens == 5


@pytest.mark.parametrize("output", Output)
def test_no_inputs_cost_no_call(stub: Stub, output: Output) -> None:
    embeddings = text(stub, output=output).embed([], Role.DOCUMENT)

    assert embeddings.vectors.shape == (0, 64 if output.is_dense else 0)
    assert stub.record.requests == 0


def test_what_the_model_cannot_do_is_said_at_once(stub: Stub) -> None:
    with pytest.raises(Misconfigured, match="no sparse vectors"):
        text(stub, V2, output=Output.SPARSE)
    with pytest.raises(Misconfigured, match="no instruction"):
        text(stub, V2, instruction="Find gifts")
    with pytest.raises(Rejected, match="11 inputs in one call"):
        text(stub).embed(texts("mug") * 11, Role.DOCUMENT)
    with pytest.raises(Rejected, match="reads text only"):
        text(stub).embed([Input(images=(PICTURE,))], Role.DOCUMENT)
    assert stub.record.requests == 0


def test_an_embedder_says_what_it_was_made_with(stub: Stub) -> None:
    embedder = text(stub, instruction="Find gifts", output=Output.BOTH)

    assert (embedder.spec, embedder.instruction, embedder.output) == (V4, "Find gifts", Output.BOTH)


# --- pictures and videos ---


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (Input(text="mug"), {"text": "mug"}),
        (Input(images=(PICTURE,)), {"image": PICTURE}),
        (
            Input(images=("data:image/png;base64,eA==",)),
            {"image": "data:image/png;base64,eA=="},
        ),
        (Input(video=VIDEO), {"video": VIDEO}),
    ],
)
def test_one_content_is_asked_for_as_the_vendor_documents(
    stub: Stub, source: Input, content: dict[str, str]
) -> None:
    embeddings = multimodal(stub).embed([source], Role.DOCUMENT)

    path = "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding"
    assert stub.record.calls[-1].path == path
    asked = {"model": V1.key, "input": {"contents": [content]}, "parameters": {}}
    assert sent(stub) == asked
    assert embeddings.vectors.shape == (1, 1024)


def test_the_parts_of_a_row_are_averaged_where_the_model_does_not_fuse_them(stub: Stub) -> None:
    embedder = multimodal(stub)
    row = Input(text="mug", images=(PICTURE,), video=VIDEO)
    embeddings = embedder.embed([row], Role.DOCUMENT)
    assert sent(stub)["input"]["contents"] == [
        {"text": "mug"},
        {"image": PICTURE},
        {"video": VIDEO},
    ]

    parts = [Input(text="mug"), Input(images=(PICTURE,)), Input(video=VIDEO)]
    part_vectors = np.concatenate([embedder.embed([part], Role.DOCUMENT).vectors for part in parts])
    np.testing.assert_allclose(
        embeddings.vectors[0], direction(part_vectors.mean(axis=0)), atol=1e-5
    )


def test_rows_of_different_numbers_of_parts_share_a_call(stub: Stub) -> None:
    embedder = multimodal(stub, VISION)
    rows = [
        Input(text="mug", images=(PICTURE,)),
        Input(text="cup"),
        Input(images=(PICTURE, OTHER_PICTURE), text="set"),
    ]
    embeddings = embedder.embed(rows, Role.DOCUMENT)

    assert stub.record.requests == 1
    assert sent(stub)["input"]["contents"] == [
        {"text": "mug"},
        {"image": PICTURE},
        {"text": "cup"},
        {"text": "set"},
        {"multi_images": [PICTURE, OTHER_PICTURE]},
    ]
    assert sent(stub)["parameters"] == {"dimension": 64}
    alone = [embedder.embed([row], Role.DOCUMENT).vectors[0] for row in rows]
    np.testing.assert_allclose(embeddings.vectors, alone, atol=1e-5)


def test_parts_are_fused_by_a_model_that_can(stub: Stub) -> None:
    row = Input(text="mug", images=(PICTURE, OTHER_PICTURE))
    embeddings = multimodal(stub, VL).embed([row], Role.DOCUMENT)

    assert sent(stub)["parameters"] == {"dimension": 64, "enable_fusion": True}
    assert sent(stub)["input"]["contents"] == [
        {"text": "mug"},
        {"image": PICTURE},
        {"image": OTHER_PICTURE},
    ]
    assert embeddings.vectors.shape == (1, 64)


def test_rows_of_one_part_each_are_not_fused(stub: Stub) -> None:
    rows = [Input(text="mug"), Input(images=(PICTURE,))]
    embeddings = multimodal(stub, VL).embed(rows, Role.DOCUMENT)

    assert sent(stub)["parameters"] == {"dimension": 64}
    assert embeddings.vectors.shape == (2, 64)


def test_rows_that_would_be_fused_together_are_refused(stub: Stub) -> None:
    rows = [Input(text="mug", images=(PICTURE,)), Input(text="cup")]

    with pytest.raises(Rejected, match="send rows alone"):
        multimodal(stub, VL).embed(rows, Role.DOCUMENT)
    assert stub.record.requests == 0


def test_a_model_that_always_fuses_needs_not_be_asked_to() -> None:
    spec = ModelSpec(
        key="qwen2.5-vl-embedding",
        dimension=64,
        dimensions=(512, 64),
        max_rows=1,
        max_tokens=32_000,
        modalities=EVERYTHING,
        media=MEDIA,
        fusion=Fusion.ALWAYS,
    )
    with Stub(Behaviour(fuses=True)) as stub:
        embeddings = multimodal(stub, spec).embed(
            [Input(text="a", images=(PICTURE,))], Role.DOCUMENT
        )

        assert sent(stub)["parameters"] == {"dimension": 64}
    assert embeddings.vectors.shape == (1, 64)


def test_an_instruction_goes_with_multimodal_queries_only(stub: Stub) -> None:
    embedder = multimodal(stub, VL, instruction="Find gifts")
    embedder.embed([Input(images=(PICTURE,))], Role.QUERY)
    assert sent(stub)["parameters"]["instruct"] == "Find gifts"

    embedder.embed([Input(images=(PICTURE,))], Role.DOCUMENT)
    assert "instruct" not in sent(stub)["parameters"]


@pytest.mark.parametrize(
    ("usage", "tokens", "details"),
    [
        (
            {"input_tokens": 12, "image_count": 1, "duration": 0},
            12,
            {"input_tokens": 12, "image_count": 1, "duration": 0},
        ),
        (
            {"input_tokens": 3, "image_tokens": 900, "image_count": 2},
            903,
            {"input_tokens": 3, "image_tokens": 900, "image_count": 2},
        ),
        ({"total_tokens": 50, "input_tokens": 7}, 50, {"input_tokens": 7}),
        ({"duration": 2.5, "note": "x", "nested": {"a": 1}}, 0, {"duration": 2.5}),
        ({"total_tokens": -1, "image_count": None}, 0, {}),
        (None, 0, {}),
        ([], 0, {}),
    ],
)
def test_what_a_call_consumed_is_kept_as_the_model_counts_it(
    stub: Stub, usage: Any, tokens: int, details: dict[str, float]
) -> None:
    rows = [{"index": 0, "embedding": [1.0] * 1024, "type": "image"}]
    stub.script(Reply(body={"output": {"embeddings": rows}, "usage": usage}))
    embeddings = multimodal(stub).embed([Input(images=(PICTURE,))], Role.DOCUMENT)

    assert (embeddings.usage.tokens, embeddings.usage.details) == (tokens, details)


def test_a_picture_the_model_never_reads_is_not_sent(stub: Stub) -> None:
    with pytest.raises(Rejected, match="gif"):
        multimodal(stub).embed([Input(images=("https://img.example/mug.gif",))], Role.DOCUMENT)
    with pytest.raises(Rejected, match="2 pictures, but multimodal-embedding-v1 reads 1"):
        multimodal(stub).embed([Input(images=(PICTURE, OTHER_PICTURE))], Role.DOCUMENT)
    assert stub.record.requests == 0


# --- what goes wrong ---

Embed = Callable[..., Any]
both = pytest.mark.parametrize(
    "embed",
    [
        lambda stub, **options: text(stub, **options).embed(texts("mug", "cup"), Role.DOCUMENT),
        lambda stub, **options: multimodal(stub, VISION, **options).embed(
            texts("mug", "cup"), Role.DOCUMENT
        ),
    ],
    ids=["text", "multimodal"],
)


@both
def test_rows_may_come_in_any_order(stub: Stub, embed: Embed) -> None:
    expected = embed(stub)
    stub.script(Reply(rows=faults.backwards))

    np.testing.assert_array_equal(embed(stub).vectors, expected.vectors)


@both
@pytest.mark.parametrize(
    "fault", [faults.one_short, faults.one_more, faults.same_index, faults.too_short]
)
def test_a_broken_answer_can_be_asked_for_again(stub: Stub, embed: Embed, fault: Any) -> None:
    stub.script(Reply(rows=fault))

    with pytest.raises(Unavailable, match="The provider"):
        embed(stub)
    assert embed(stub).vectors.shape == (2, 64)


@both
@pytest.mark.parametrize("fault", [faults.not_a_number, faults.zero])
def test_a_row_without_a_usable_vector_is_found_by_asking_for_each_alone(
    stub: Stub, embed: Embed, fault: Any
) -> None:
    stub.script(Reply(rows=fault))

    with pytest.raises(Rejected, match="no usable vector for row 0; leave it out"):
        embed(stub)


@both
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(cut=Cut.BEFORE_HEADERS), Unavailable),
        (Reply(cut=Cut.AFTER_HEADERS), Unavailable),
        (Reply(raw=b"<html>Log in</html>"), Unavailable),
        (Reply(body={}), Unavailable),
        (Reply(body={"output": {}}), Unavailable),
        (Reply(body={"output": None, "code": "DataInspectionFailed", "message": "no"}), Rejected),
        (Reply(body={"output": {"embeddings": None}, "code": "Arrearage"}), Misconfigured),
        (Reply(body={"status_code": 429, "code": "Throttling", "output": None}), Unavailable),
        (Reply(body={"status_code": 400, "code": "InvalidParameter", "output": None}), Rejected),
    ],
)
def test_no_answer_or_a_strange_one_is_told_from_a_refusal(
    stub: Stub, embed: Embed, reply: Reply, kind: type[EmbeddingError]
) -> None:
    stub.script(reply)

    with pytest.raises(kind):
        embed(stub)


@both
def test_an_answer_that_takes_longer_than_the_time_limit_can_be_asked_for_again(
    stub: Stub, embed: Embed
) -> None:
    stub.script(Reply(delay=30))

    with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
        embed(stub, timeout=0.2)


@both
@pytest.mark.parametrize(
    "problem", PROBLEMS, ids=lambda problem: problem.compatible_code or problem.code
)
def test_every_documented_error_reaches_the_caller_with_its_code(
    stub: Stub, embed: Embed, problem: Problem
) -> None:
    stub.script(
        Reply(status=problem.status, body=problem.native("r"), headers={"Retry-After": "2"})
    )

    with pytest.raises(EmbeddingError) as caught:
        embed(stub)
    assert caught.value.code == problem.code
    assert KEY not in str(caught.value)
    if problem.status in {429, 500}:
        assert isinstance(caught.value, Unavailable)
        assert caught.value.retry_after == 2
    else:
        assert isinstance(caught.value, Rejected | Misconfigured)


def test_a_text_that_is_too_long_is_told_from_other_refusals() -> None:
    with Stub(Behaviour(max_tokens=2)) as stub, pytest.raises(TooLong, match="Shorten the text"):
        text(stub).embed(texts("one two three"), Role.DOCUMENT)


def test_a_wrong_key_is_for_a_person(stub: Stub) -> None:
    with pytest.raises(Misconfigured, match="Check the provider's API key") as caught:
        text(stub, api_key="sk-wrong").embed(texts("mug"), Role.DOCUMENT)
    assert "sk-wrong" not in str(caught.value)


def test_the_key_is_in_no_representation(stub: Stub) -> None:
    embedder = text(stub)

    assert KEY not in repr(vars(embedder))


def test_a_storm_of_refusals_ends_when_it_ends(stub: Stub) -> None:
    embedder = text(stub)
    stub.behave(Behaviour(throttling=1.0))

    def attempt(_: int) -> type:
        try:
            embedder.embed(texts("mug"), Role.DOCUMENT)
        except Unavailable as exc:
            return type(exc) if exc.is_throttling else AssertionError
        return AssertionError

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(40))) == {Unavailable}
    stub.behave(Behaviour())
    assert embedder.embed(texts("mug"), Role.DOCUMENT).vectors.shape == (1, 64)
    assert stub.record.paid == {"mug": 1}


def test_threads_may_share_an_embedder(stub: Stub) -> None:
    embedder = text(stub)
    expected = embedder.embed(texts("mug", "cup"), Role.DOCUMENT).vectors

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(
            lambda _: np.testing.assert_array_equal(
                embedder.embed(texts("mug", "cup"), Role.DOCUMENT).vectors, expected
            ),
            range(40),
        ):
            pass


@pytest.fixture(scope="module")
def kept_stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


@settings(max_examples=30)
@given(
    rows=st.lists(
        st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=40),
        min_size=1,
        max_size=10,
    ),
    seed=st.integers(0, 99),
)
def test_any_texts_get_their_own_vectors_in_whatever_order_they_come_back(
    kept_stub: Stub, rows: list[str], seed: int
) -> None:
    embedder = text(kept_stub)

    def shuffled(answered: Any) -> list[Any]:
        return random.Random(seed).sample(answered, len(answered))

    kept_stub.script(Reply(rows=shuffled))
    together = embedder.embed(texts(*rows), Role.DOCUMENT).vectors
    alone = [embedder.embed(texts(row), Role.DOCUMENT).vectors[0] for row in rows]

    np.testing.assert_array_equal(together, alone)
