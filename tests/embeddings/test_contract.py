"""What every embedder promises, whichever model is behind it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.base import Embedder
from embeddings.errors import Rejected
from embeddings.factory import create_embedder
from embeddings.types import Input, Role

EMBEDDERS = [
    create_embedder("fake"),
    create_embedder("fake", 3),
    create_embedder("wordllama-256"),
    create_embedder("wordllama-256", 64),
    create_embedder("all-minilm-l6-v2"),
]
TEXTS = [
    "White hanging heart t-light holder",
    "mug",
    "A stoneware mug for tea or coffee. Kitchen Hearth. Holds 350 ml and is dishwasher safe.",
    "日本の茶碗 中国茶杯",
    "🎄🎁 Noël décorations — ½ price!",
    "!!!",
    "\u200b",
    "ΑΒΓ кружка كوب",
    "SKU-00012/AB 3x4 cm",
]

every_embedder = pytest.mark.parametrize(
    "embedder", EMBEDDERS, ids=lambda it: f"{it.spec.key}@{it.spec.dimension}"
)


def vectors(embedder: Embedder, *texts: str, role: Role = Role.DOCUMENT) -> np.ndarray:
    return embedder.embed([Input(text=text) for text in texts], role).vectors


@every_embedder
@pytest.mark.parametrize("role", Role)
def test_each_text_gets_a_float32_vector_of_length_one(embedder: Embedder, role: Role) -> None:
    found = vectors(embedder, *TEXTS, role=role)

    assert found.shape == (len(TEXTS), embedder.spec.dimension)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@every_embedder
@settings(max_examples=40, deadline=None)
@given(text=st.text(min_size=1, max_size=300).filter(str.strip))
def test_any_text_that_is_not_blank_gets_a_usable_vector(embedder: Embedder, text: str) -> None:
    np.testing.assert_allclose(np.linalg.norm(vectors(embedder, text)), 1, atol=1e-5)


@every_embedder
def test_the_same_call_gives_the_same_vectors(embedder: Embedder) -> None:
    np.testing.assert_array_equal(vectors(embedder, *TEXTS), vectors(embedder, *TEXTS))


@every_embedder
def test_a_text_gets_the_same_vector_alone_as_in_company(embedder: Embedder) -> None:
    alone = np.concatenate([vectors(embedder, text) for text in TEXTS])

    np.testing.assert_allclose(vectors(embedder, *TEXTS), alone, atol=1e-5)


@every_embedder
def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    forward = vectors(embedder, *TEXTS)
    backward = vectors(embedder, *reversed(TEXTS))

    np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)
    assert not np.allclose(forward, backward, atol=1e-2)


@every_embedder
def test_no_inputs_give_no_vectors(embedder: Embedder) -> None:
    found = embedder.embed([], Role.DOCUMENT)

    assert found.vectors.shape == (0, embedder.spec.dimension)
    assert found.usage.tokens == 0


@every_embedder
def test_a_very_long_text_is_cut_at_the_models_limit(embedder: Embedder) -> None:
    page = "a mug for tea and coffee " * embedder.spec.max_tokens
    found = embedder.embed([Input(text=page), Input(text=page * 20)], Role.DOCUMENT)

    np.testing.assert_allclose(found.vectors[0] @ found.vectors[1], 1, atol=0.01)
    assert found.usage.tokens == 2 * embedder.spec.max_tokens


@every_embedder
def test_the_tokens_of_all_texts_are_counted(embedder: Embedder) -> None:
    def tokens(*texts: str) -> int:
        inputs = [Input(text=text) for text in texts]
        return embedder.embed(inputs, Role.DOCUMENT).usage.tokens

    assert tokens("red mug", "blue cup") == tokens("red mug") + tokens("blue cup") > 0


@every_embedder
def test_more_rows_than_the_model_takes_are_refused(embedder: Embedder) -> None:
    inputs = [Input(text="mug")] * (embedder.spec.max_rows + 1)

    with pytest.raises(Rejected, match=r"takes \d+ at most; use embeddings.batching.embed_all"):
        embedder.embed(inputs, Role.DOCUMENT)


@every_embedder
def test_threads_may_share_an_embedder(embedder: Embedder) -> None:
    expected = vectors(embedder, *TEXTS)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: vectors(embedder, *TEXTS), range(8)):
            np.testing.assert_array_equal(found, expected)


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
    embedder = create_embedder(key)
    asked = vectors(embedder, query, role=Role.QUERY)[0]
    closeness = vectors(embedder, near, far) @ asked

    assert closeness[0] > closeness[1] + 0.1
