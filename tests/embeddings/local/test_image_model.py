from pathlib import Path

import numpy as np
import pytest

from embeddings.local import image_model, torch_checkpoint
from embeddings.local.image_model import ImageModel
from embeddings.media import pictures
from embeddings.media.fetch import Media

PHOTOGRAPHS = Path(__file__).parents[1] / "photographs"


@pytest.fixture(scope="module")
def model() -> ImageModel:
    return image_model.load()


def photograph(name: str) -> np.ndarray:
    content = (PHOTOGRAPHS / f"{name}.jpg").read_bytes()
    return pictures.pixels(pictures.decode(Media(content, "jpg")))


@pytest.mark.parametrize(
    ("name", "classes"),
    [("cat", [281, 282, 285]), ("espresso", [967])],  # tabby, tiger cat, Egyptian cat; espresso
)
def test_photographs_are_of_what_imagenet_calls_them(
    model: ImageModel, name: str, classes: list[int]
) -> None:
    """With the classifier, which the embedder leaves out, it is the published model."""
    last = torch_checkpoint.read(image_model.weights())
    logits = last["_fc.weight"] @ model.features([photograph(name)])[0] + last["_fc.bias"]
    chances = np.exp(logits - logits.max())

    assert chances[classes].sum() / chances.sum() > 0.8


def test_a_picture_gets_the_same_features_in_any_company(model: ImageModel) -> None:
    names = ["cat", "espresso"] * 6
    together = model.features([photograph(name) for name in names])

    for row, name in enumerate(names[:2]):
        alone = model.features([photograph(name)])[0]
        np.testing.assert_allclose(together[row::2], np.tile(alone, (6, 1)), atol=1e-4)


def test_no_pictures_have_no_features(model: ImageModel) -> None:
    assert model.features([]).shape == (0, 1280)
