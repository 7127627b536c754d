"""A deterministic embedder that needs no model: for tests and dry runs."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from embeddings.base import BaseEmbedder
from embeddings.spec import EVERYTHING, Fusion, MediaLimits, ModelSpec
from embeddings.types import Embeddings, Input, Output, Role, SparseVector, Usage

SPEC = ModelSpec(
    key="fake",
    dimension=64,
    dimensions=(),
    max_rows=512,
    max_tokens=1024,
    modalities=EVERYTHING,
    media=MediaLimits(
        image_bytes=10_000_000,
        image_formats=frozenset({"bmp", "gif", "jpg", "png", "webp"}),
        images=8,
        video_bytes=50_000_000,
        video_formats=frozenset({"avi", "flv", "mkv", "mov", "mp4", "mpeg", "mpg", "webm"}),
    ),
    fusion=Fusion.ALWAYS,
    has_sparse=True,
    has_instruction=True,
)

_WORD = re.compile(r"\w+")
# Sparse indices are of a vocabulary of this size, as large as the hosted models'.
_VOCABULARY = 250_000
# How far an instruction turns the vector of a query.
_INSTRUCTION_WEIGHT = 0.25


class FakeEmbedder(BaseEmbedder):
    """Signed feature hashing of words and their character trigrams (Weinberger et al. 2009).

    Texts that share words, or parts of words, get similar vectors; a picture or a video gets one
    of its address or data URI, which is not read. The same input gets the same vector on every
    machine. A sparse vector holds each word's count, scaled so that the largest is 1.
    """

    def __init__(
        self,
        dimension: int | None = None,
        *,
        instruction: str = "",
        output: Output = Output.DENSE,
    ) -> None:
        """An instruction turns the vectors of queries a little.

        Raises:
            Misconfigured: `dimension` is less than 1.
        """
        super().__init__(SPEC.at(dimension), output=output, instruction=instruction)

    @classmethod
    def of(cls, spec: ModelSpec, instruction: str, output: Output) -> Self:
        """One at the spec's dimension."""
        return cls(spec.dimension, instruction=instruction, output=output)

    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        words = [_words(row.text, self.spec.max_tokens) for row in inputs]
        instruction = self._instruction if role is Role.QUERY else ""
        size = self.spec.dimension if self._output.is_dense else 0
        vectors = np.zeros((len(inputs), size), np.float32)
        if self._output.is_dense:
            for vector, source, row_words in zip(vectors, inputs, words, strict=True):
                _fill(vector, source, row_words, instruction)
        sparse = tuple(map(_sparse, words)) if self._output.is_sparse else ()
        return Embeddings.normalised(vectors, _usage(inputs, words), sparse)


def _fill(
    vector: NDArray[np.float32], source: Input, words: Sequence[str], instruction: str
) -> None:
    for word in words:
        for feature in _features(word):
            _add(vector, feature, 1.0)
    for address in (*source.images, source.video):
        if address:
            _add(vector, address, 1.0)
    # The others add whole numbers, so with half a one the sum is never the zero vector.
    _add(vector, source.text, 0.5)
    if instruction:
        _add(vector, instruction, _INSTRUCTION_WEIGHT)


def _add(vector: NDArray[np.float32], feature: str, weight: float) -> None:
    place, negative = divmod(_hash(feature), 2)
    vector[place % len(vector)] += -weight if negative else weight


def _sparse(words: Sequence[str]) -> SparseVector:
    counts: dict[int, tuple[str, int]] = {}
    for word in words:
        index = _hash(word) % _VOCABULARY
        first, count = counts.get(index, (word, 0))
        counts[index] = (first, count + 1)
    indices = tuple(sorted(counts))
    most = max((count for _, count in counts.values()), default=1)
    return SparseVector(
        indices,
        tuple(counts[index][1] / most for index in indices),
        tuple(counts[index][0] for index in indices),
    )


def _usage(inputs: Sequence[Input], words: Sequence[Sequence[str]]) -> Usage:
    images = sum(len(row.images) for row in inputs)
    details: Mapping[str, float] = {"image_count": images} if images else {}
    return Usage(sum(map(len, words)), details)


def _hash(feature: str) -> int:
    return int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest())


def _words(text: str, max_tokens: int) -> list[str]:
    return _WORD.findall(text.casefold())[:max_tokens]


def _features(word: str) -> Iterator[str]:
    marked = f"<{word}>"
    yield marked
    yield from (marked[start : start + 3] for start in range(len(marked) - 2))
