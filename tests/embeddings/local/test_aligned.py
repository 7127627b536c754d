import base64

import numpy as np
import pytest

from embeddings.base import Embedder
from embeddings.errors import Misconfigured
from embeddings.factory import Models
from embeddings.local import alignment
from embeddings.local.aligned import SPEC, AlignedEmbedder, aligned
from embeddings.local.alignment import Alignment
from embeddings.types import Input, Role
from tests.embeddings.drawings import COLOURS, SHAPES, Drawing, drawings

LEARNT_FROM = 108


def picture(drawing: Drawing) -> Input:
    return Input(images=("data:image/png;base64," + base64.b64encode(drawing.png).decode(),))


def embedded(embedder: Embedder, inputs: list[Input]) -> np.ndarray:
    step = embedder.spec.max_rows
    calls = [inputs[start : start + step] for start in range(0, len(inputs), step)]
    return np.concatenate([embedder.embed(call, Role.DOCUMENT).vectors for call in calls])


@pytest.fixture(scope="module")
def learnt() -> Alignment:
    shown = drawings(LEARNT_FROM)
    return alignment.fit(
        embedded(Models().create("efficientnet-lite0"), list(map(picture, shown))),
        embedded(
            Models().create("wordllama-256"), [Input(text=drawing.title) for drawing in shown]
        ),
    )[0]


@pytest.fixture(scope="module")
def embedder(learnt: Alignment) -> AlignedEmbedder:
    return aligned(learnt.to_bytes())


def test_a_text_finds_pictures_of_what_it_says(embedder: AlignedEmbedder) -> None:
    shown = drawings(72, seed=99)  # two of each kind, none of those that it was learnt from
    titles = sorted({drawing.title for drawing in shown})
    assert len(titles) == len(COLOURS) * len(SHAPES)
    pictures = embedded(embedder, list(map(picture, shown)))
    queries = embedded(embedder, [Input(text=title) for title in titles])

    nearest = np.argsort(-queries @ pictures.T, axis=1)[:, :2]
    nearest_titles = [[shown[place].title for place in row] for row in nearest]
    right = [title in row for title, row in zip(titles, nearest_titles, strict=True)]
    assert np.mean(right) > 0.8


def test_a_texts_vector_is_the_text_models_own(embedder: AlignedEmbedder) -> None:
    inputs = [Input(text="red ball"), Input(text="a ladder of green wood")]
    text_model = Models().create("wordllama-256")

    np.testing.assert_allclose(embedded(embedder, inputs), embedded(text_model, inputs), atol=1e-6)


def test_an_input_with_both_is_between_its_text_and_its_picture(
    embedder: AlignedEmbedder,
) -> None:
    drawing = drawings(1)[0]
    seen = picture(drawing)
    inputs = [Input(text="blue star", images=seen.images), Input(text="blue star"), seen]
    answer = embedder.embed(inputs, Role.DOCUMENT)

    both, text, shown = answer.vectors
    np.testing.assert_allclose(both, (text + shown) / np.linalg.norm(text + shown), atol=1e-5)
    assert answer.usage.tokens > 0
    assert answer.usage.details["image_count"] == 2


def test_it_gives_the_dimension_that_it_was_learnt_for(learnt: Alignment) -> None:
    smaller = Alignment(learnt.picture_mean, learnt.text_mean[:64], learnt.weights[:, :64])
    embedder = aligned(smaller.to_bytes())
    vectors = embedded(embedder, [Input(text="red ball"), picture(drawings(1)[0])])

    assert embedder.spec.dimension == 64
    assert vectors.shape == (2, 64)


def test_a_map_to_another_models_space_is_refused(learnt: Alignment) -> None:
    other = Alignment(learnt.picture_mean, learnt.text_mean[:100], learnt.weights[:, :100])

    with pytest.raises(Misconfigured, match="does not give 100 dimensions"):
        aligned(other.to_bytes())


def test_no_inputs_give_no_vectors(embedder: AlignedEmbedder) -> None:
    assert embedder.embed([], Role.QUERY).vectors.shape == (0, 256)


def test_without_a_catalog_it_says_that_it_needs_one() -> None:
    assert SPEC.needs_alignment
    with pytest.raises(Misconfigured, match="a map learnt from a catalog"):
        Models().create(SPEC.key)
