"""A deterministic embedder that needs no model: for tests and dry runs."""

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Misconfigured
from embeddings.types import Embeddings, Input, ModelSpec, Role, Usage

_WORD = re.compile(r"\w+")
_DIMENSION = 64


class FakeEmbedder:
    """Signed feature hashing of words and their character trigrams (Weinberger et al. 2009).

    Texts that share words, or parts of words, get similar vectors; the same text gets the same
    vector on every machine.
    """

    def __init__(self, dimension: int | None = None) -> None:
        size = _DIMENSION if dimension is None else dimension
        if size < 1:
            raise Misconfigured(f"fake cannot give {size} dimensions; use 1 or more.")
        self._spec = ModelSpec(
            key="fake", dimension=size, dimensions=(size,), max_rows=512, max_tokens=1024
        )

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    def embed(
        self,
        inputs: Sequence[Input],
        role: Role,  # noqa: ARG002 - it hashes queries and documents alike
    ) -> Embeddings:
        """Implements `Embedder.embed`."""
        self.spec.check_rows(len(inputs))
        words = [_words(row.text, self.spec.max_tokens) for row in inputs]
        vectors = np.empty((len(inputs), self.spec.dimension), np.float32)
        for row, (source, found) in enumerate(zip(inputs, words, strict=True)):
            vectors[row] = self._vector(source.text, found)
        return Embeddings.normalised(vectors, Usage(sum(map(len, words))))

    def _vector(self, text: str, words: Sequence[str]) -> NDArray[np.float32]:
        vector = np.zeros(self.spec.dimension, np.float32)
        for word in words:
            for feature in _features(word):
                self._add(vector, feature, 1.0)
        # The others add whole numbers, so with half a one the sum is never the zero vector.
        self._add(vector, text, 0.5)
        return vector

    def _add(self, vector: NDArray[np.float32], feature: str, weight: float) -> None:
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest())
        place, negative = divmod(digest, 2)
        vector[place % self.spec.dimension] += -weight if negative else weight


def _words(text: str, max_tokens: int) -> list[str]:
    return _WORD.findall(text.casefold())[:max_tokens]


def _features(word: str) -> Iterator[str]:
    marked = f"<{word}>"
    yield marked
    yield from (marked[start : start + 3] for start in range(len(marked) - 2))
