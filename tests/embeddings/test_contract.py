"""What every embedder promises, whichever model is behind it."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from embeddings.base import Embedder
from embeddings.errors import Misconfigured, Rejected
from embeddings.factory import Models
from embeddings.local.aligned import aligned
from embeddings.local.alignment import Alignment
from embeddings.providers.table import DASHSCOPE, PROVIDERS
from embeddings.spec import Fusion, ModelSpec
from embeddings.types import Input, Modality, Output, Role
from tests.embeddings.embedded import embed_all
from tests.stub import Behaviour, Stub


def picture(first: tuple[int, int, int], second: tuple[int, int, int]) -> str:
    """A PNG of two colours, as a data URI."""
    image = Image.new("RGB", (64, 64), first)
    image.paste(second, (0, 0, 64, 24))
    file = io.BytesIO()
    image.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


TEXTS = tuple(
    Input(text=text)
    for text in (
        "White hanging heart t-light holder",
        "mug",
        "A stoneware mug for tea or coffee. Kitchen Hearth. Holds 350 ml and is dishwasher safe.",
        "日本の茶碗 中国茶杯",
        "🎄🎁 Noël décorations — ½ price!",
        "!!!",
        "\u200b",
        "ΑΒΓ кружка كوب",
        "SKU-00012/AB 3x4 cm",
    )
)
RED, SEA = picture((200, 30, 30), (250, 250, 250)), picture((20, 60, 160), (240, 220, 90))
PICTURES = (
    Input(images=(RED,)),
    Input(images=(SEA,)),
    Input(images=(picture((20, 20, 20), (90, 200, 90)),)),
)
MIXED = (
    *TEXTS,
    *PICTURES,
    Input(images=("https://shop.example/mug.png",)),
    Input(video="https://shop.example/mug.mp4"),
    Input(text="A red and white rug", images=(RED,)),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model to hold to the contract, with examples of what it reads."""

    key: str
    examples: Sequence[Input] = TEXTS
    dimension: int | None = None
    entry: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.key if self.dimension is None else f"{self.key}-{self.dimension}"


def self_hosted(provider: str, **entry: object) -> Case:
    given = {"provider": provider, "api_key_env": "OWN_KEY", "dimension": 256, "max_tokens": 512}
    return Case(key=f"on-{provider}", entry=given | entry)


CASES = (
    Case(key="fake", examples=MIXED),
    Case(key="fake", examples=MIXED, dimension=3),
    Case(key="wordllama-256"),
    Case(key="wordllama-256", dimension=64),
    Case(key="all-minilm-l6-v2"),
    Case(key="use-multilingual-v3"),
    Case(key="efficientnet-lite0", examples=PICTURES),
    Case(key="efficientnet-lite0-text", examples=(*TEXTS, *PICTURES)),
    Case(key="efficientnet-lite0-text", examples=(*TEXTS, *PICTURES), dimension=64),
    Case(key="text-embedding-v4"),
    Case(key="text-embedding-v4", dimension=64),
    Case(key="text-embedding-v3"),
    Case(key="text-embedding-v1"),
    Case(key="qwen3.7-text-embedding"),
    Case(key="multimodal-embedding-v1", examples=MIXED),
    Case(key="tongyi-embedding-vision-plus", examples=MIXED),
    Case(key="qwen3-vl-embedding", examples=MIXED),
    Case(key="qwen2.5-vl-embedding", examples=MIXED),
    Case(key="text-embedding-v4@compatible"),
    Case(key="text-embedding-v1@compatible"),
    Case(key="text-embedding-3-small"),
    Case(key="jina-embeddings-v3"),
    Case(key="voyage-4-lite"),
    Case(key="embed-v4.0"),
    self_hosted("tei", prompts={"query": "query: ", "document": "passage: "}),
    self_hosted("infinity"),
    self_hosted("ollama"),
    self_hosted("vllm", dimensions=[256, 128], prompts={"query": "{instruction}\nQuery: "}),
)


class Make(Protocol):
    """An embedder of the model under test; at its case's dimension where none is given."""

    def __call__(
        self,
        dimension: int | None = None,
        *,
        instruction: str = "",
        output: Output = Output.DENSE,
    ) -> Embedder: ...


def vectors(embedder: Embedder, *rows: Input, role: Role = Role.DOCUMENT) -> np.ndarray:
    return embed_all(embedder, rows, role).vectors


# The class may be held against several servers, one subclass each; the examples are the same.
hypothesis_settings = settings(
    max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors]
)


class EmbedderContract:
    """What the fixtures `case` and `make` of the module give is held to it."""

    @pytest.fixture
    def embedder(self, make: Make) -> Embedder:
        return make()

    @pytest.mark.parametrize("role", Role)
    def test_each_input_gets_a_float32_vector_of_length_one(
        self, case: Case, embedder: Embedder, role: Role
    ) -> None:
        matrix = vectors(embedder, *case.examples, role=role)

        assert matrix.shape == (len(case.examples), embedder.spec.dimension)
        assert matrix.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)

    @hypothesis_settings
    @given(text=st.text(min_size=1, max_size=300).filter(str.strip))
    def test_any_text_that_is_not_blank_gets_a_usable_vector(self, make: Make, text: str) -> None:
        embedder = make()
        reads_text(embedder.spec)

        matrix = vectors(embedder, Input(text=text))

        np.testing.assert_allclose(np.linalg.norm(matrix), 1, atol=1e-5)

    def test_the_same_call_gives_the_same_vectors(self, case: Case, embedder: Embedder) -> None:
        np.testing.assert_array_equal(
            vectors(embedder, *case.examples), vectors(embedder, *case.examples)
        )

    def test_an_input_gets_the_same_vector_alone_as_in_company(
        self, case: Case, embedder: Embedder
    ) -> None:
        alone = np.concatenate([vectors(embedder, row) for row in case.examples])

        np.testing.assert_allclose(vectors(embedder, *case.examples), alone, atol=1e-5)

    def test_vectors_come_in_the_order_of_the_inputs(self, case: Case, embedder: Embedder) -> None:
        forward = vectors(embedder, *case.examples)
        backward = vectors(embedder, *reversed(case.examples))

        np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)
        assert not np.allclose(forward, backward, atol=1e-2)

    def test_no_inputs_give_no_vectors(self, embedder: Embedder) -> None:
        embeddings = embedder.embed([], Role.DOCUMENT)

        assert embeddings.vectors.shape == (0, embedder.spec.dimension)
        assert embeddings.usage.tokens == 0

    def test_every_dimension_of_the_model_is_given(self, case: Case, make: Make) -> None:
        for dimension in make().spec.dimensions:
            embedder = make(dimension)
            matrix = vectors(embedder, case.examples[0])

            assert embedder.spec.dimension == dimension == matrix.shape[1]
            np.testing.assert_allclose(np.linalg.norm(matrix), 1, atol=1e-5)

    def test_a_dimension_the_model_does_not_give_is_refused(self, make: Make) -> None:
        with pytest.raises(Misconfigured, match="does not give -1 dimensions; use one of"):
            make(-1)

    def test_the_tokens_of_all_texts_are_counted(self, embedder: Embedder) -> None:
        reads_text(embedder.spec)

        def tokens(*texts: str) -> int:
            inputs = [Input(text=text) for text in texts]
            return embed_all(embedder, inputs, Role.DOCUMENT).usage.tokens

        assert tokens("red mug", "blue cup") == tokens("red mug") + tokens("blue cup") > 0

    def test_a_text_over_the_limit_is_cut_by_a_model_of_this_process(
        self, embedder: Embedder
    ) -> None:
        reads_text(embedder.spec)
        if embedder.spec.is_hosted:
            pytest.skip("a hosted model refuses it; see test_dashscope, test_openai_compatible")
        page = "a mug for tea and coffee " * embedder.spec.max_tokens

        embeddings = embedder.embed([Input(text=page), Input(text=page * 20)], Role.DOCUMENT)

        np.testing.assert_allclose(embeddings.vectors[0] @ embeddings.vectors[1], 1, atol=0.01)
        assert embeddings.usage.tokens == 2 * embedder.spec.max_tokens

    def test_more_rows_than_the_model_takes_are_refused(
        self, case: Case, embedder: Embedder
    ) -> None:
        inputs = [case.examples[0]] * (embedder.spec.max_rows + 1)

        with pytest.raises(
            Rejected, match=r"takes \d+ at most; use embeddings.calls.embedding.embed_rows"
        ):
            embedder.embed(inputs, Role.DOCUMENT)

    def test_a_kind_of_content_the_model_does_not_read_is_refused(self, embedder: Embedder) -> None:
        kinds = (TEXTS[0], PICTURES[0], Input(video="https://shop.example/mug.mp4"))
        unread = [row for row in kinds if not row.modalities <= embedder.spec.modalities]
        if not unread:
            pytest.skip("it reads every kind")

        for row in unread:
            with pytest.raises(Rejected, match=rf"Row 0 holds {next(iter(row.modalities))}, but"):
                embedder.embed([row], Role.DOCUMENT)

    def test_threads_may_share_an_embedder(self, case: Case, embedder: Embedder) -> None:
        rows = case.examples[: embedder.spec.max_rows]
        expected = vectors(embedder, *rows)

        with ThreadPoolExecutor(4) as pool:
            for matrix in pool.map(lambda _: vectors(embedder, *rows), range(8)):
                # Rounding may differ where BLAS shares out the work.
                np.testing.assert_allclose(matrix, expected, atol=1e-6)

    def test_it_says_what_it_was_made_for(self, case: Case, make: Make) -> None:
        spec = make().spec
        instruction = "Find a gift" if spec.has_instruction else ""
        output = Output.BOTH if spec.has_sparse else Output.DENSE
        embedder = make(instruction=instruction, output=output)

        assert (embedder.spec, embedder.spec.key) == (spec, case.key)
        assert (embedder.instruction, embedder.output) == (instruction, output)

    def test_sparse_vectors_are_given_where_the_model_has_them(
        self, case: Case, make: Make
    ) -> None:
        if not make().spec.has_sparse:
            with pytest.raises(Misconfigured, match="gives no sparse vectors; ask for dense ones"):
                make(output=Output.SPARSE)
            return
        texts = [row for row in case.examples if row.text][: make().spec.max_rows]

        alone = make(output=Output.SPARSE).embed(texts, Role.DOCUMENT)
        both = make(output=Output.BOTH).embed(texts, Role.DOCUMENT)

        assert alone.vectors.shape == (len(texts), 0)
        np.testing.assert_array_equal(both.vectors, make().embed(texts, Role.DOCUMENT).vectors)
        assert alone.sparse == both.sparse
        assert len(alone.sparse) == len(texts)
        for vector in alone.sparse:
            assert all(before < after for before, after in pairwise([-1, *vector.indices]))
            assert len(vector.values) == len(vector.indices)
            assert all(np.isfinite(vector.values))
            assert len(vector.tokens) in {0, len(vector.indices)}

    def test_an_instruction_is_for_queries_only(self, case: Case, make: Make) -> None:
        plain = make()
        if not plain.spec.has_instruction:
            with pytest.raises(Misconfigured, match="takes no instruction; leave it out"):
                make(instruction="Find a gift")
            return
        told = make(instruction="Given a shopper's words, find gifts")

        rows = case.examples[: plain.spec.max_rows]
        asked, answered = Role.QUERY, Role.DOCUMENT
        assert not np.allclose(vectors(told, *rows, role=asked), vectors(plain, *rows, role=asked))
        np.testing.assert_array_equal(
            vectors(told, *rows, role=answered), vectors(plain, *rows, role=answered)
        )


def reads_text(spec: ModelSpec) -> None:
    if Modality.TEXT not in spec.modalities:
        pytest.skip("it reads no text")


class TestEveryEmbedder(EmbedderContract):
    """The local models as they are; the hosted ones against a double of their provider."""


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    param: Case = request.param
    return param


@pytest.fixture(scope="module")
def make(case: Case) -> Iterator[Make]:
    with Stub() as stub:
        entry = {"base_url": stub.compatible_url, **case.entry} if case.entry else None
        models = Models({case.key: entry} if entry else {}, _environment(stub))
        stub.behave(_behaviour(models.spec(case.key)))
        yield partial(_create, models, case)


def _create(
    models: Models,
    case: Case,
    dimension: int | None = None,
    *,
    instruction: str = "",
    output: Output = Output.DENSE,
) -> Embedder:
    size = case.dimension if dimension is None else dimension
    spec = models.spec(case.key).at(size)
    if spec.needs_alignment:
        spec.check_output(output, instruction)
        return aligned(_alignment(spec.dimension))
    return models.create(case.key, size, instruction=instruction, output=output)


def _alignment(dimension: int) -> bytes:
    """A map that puts different pictures in different places."""
    random = np.random.default_rng(1)
    return Alignment(
        np.zeros(1280, np.float32),
        np.zeros(dimension, np.float32),
        random.standard_normal((1280, dimension)).astype(np.float32),
    ).to_bytes()


def _behaviour(spec: ModelSpec) -> Behaviour:
    return Behaviour(
        max_rows=max(spec.max_rows, 20),
        max_tokens=max(spec.max_tokens, 1),
        dimension=max(spec.dimensions, default=1024),
        fuses=spec.fusion is Fusion.ALWAYS,
    )


def _environment(stub: Stub) -> dict[str, str]:
    """The variables that send every known provider's calls to the stub."""
    environment = {"OWN_KEY": "k"}
    for name, provider in PROVIDERS.items():
        url = stub.native_url if name == DASHSCOPE else stub.compatible_url
        environment |= {provider.api_key_env: "k", provider.base_url_env: url}
    return environment


@pytest.mark.parametrize("key", ["wordllama-256", "all-minilm-l6-v2"])
@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("mug", "cup", "bicycle"),
        ("gift for a baby", "Newborn rattle and blanket", "Cordless hammer drill"),
        ("christmas tree decoration", "GLASS BAUBLE FOR THE XMAS TREE", "OFFICE CHAIR, BLACK"),
        ("Something to drink tea from", "PORCELAIN TEACUP AND SAUCER", "GARDEN HOSE 20M"),
    ],
)
def test_a_real_model_puts_like_things_together(key: str, query: str, near: str, far: str) -> None:
    embedder = Models().create(key)
    asked = vectors(embedder, Input(text=query), role=Role.QUERY)[0]
    closeness = vectors(embedder, Input(text=near), Input(text=far)) @ asked

    assert closeness[0] > closeness[1] + 0.1
