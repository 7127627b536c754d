"""Text models that run in this process, from installed packages, without a network."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from embeddings.base import BaseEmbedder
from embeddings.local.loading import loaded
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Role, Usage

# The longest token of the vocabularies in use, so that a cut at this many characters a token
# drops nothing a model would have read, and a megabyte of text costs no more than a page.
_TOKEN_CHARACTERS = 18


class TextModel(Protocol):
    """A loaded model. Safe to share between threads."""

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Vectors of shape (texts, largest dimension), of any length, and the tokens read."""
        ...


class LocalEmbedder(BaseEmbedder):
    """An embedder whose model is loaded at its first use and shared by the whole process."""

    def __init__(self, spec: ModelSpec, load: Callable[[], TextModel]) -> None:
        """`load` is called once a process, however many embedders use it."""
        super().__init__(spec)
        self._load = load

    def _embed(
        self,
        inputs: Sequence[Input],
        role: Role,  # noqa: ARG002 - these models embed queries and documents alike
    ) -> Embeddings:
        longest = self.spec.max_tokens * _TOKEN_CHARACTERS
        vectors, tokens = loaded(self._load).encode([row.text[:longest] for row in inputs])
        return Embeddings.normalised(vectors[:, : self.spec.dimension], Usage(tokens))
