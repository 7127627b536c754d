"""WordLlama: a table of token vectors distilled from a large language model.

A text's vector is the mean of its tokens'. Trained as a Matryoshka model (Kusupati et al. 2022):
the first 64 or 128 numbers serve as a smaller vector.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.spec import ModelSpec

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SPEC = ModelSpec(
    key="wordllama-256",
    dimension=256,
    dimensions=(256, 128, 64),
    max_rows=512,
    max_tokens=1024,
)


class WordLlamaModel:
    """Implements `embeddings.local.text.TextModel`."""

    def __init__(self, tokenizer: "Tokenizer", token_vectors: NDArray[np.float32]) -> None:
        """`token_vectors` has shape (vocabulary, 256)."""
        self._tokenizer = tokenizer
        self._token_vectors = token_vectors

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Vectors of shape (texts, 256) and the number of tokens."""
        # The vocabulary is of cased text: a title in capitals falls apart into letters and no
        # longer meets a query in small ones.
        lowered = [text.lower() for text in texts]
        encodings = self._tokenizer.encode_batch_fast(lowered, add_special_tokens=False)
        vectors = np.empty((len(texts), self._token_vectors.shape[1]), np.float32)
        # Row by row: padding a batch to its longest text costs more time, and far more memory.
        for row, encoding in enumerate(encodings):
            vectors[row] = self._token_vectors[encoding.ids].mean(axis=0)
        return vectors, sum(map(len, encodings))


def load() -> WordLlamaModel:
    """Load the model that the `wordllama` package carries; nothing is downloaded."""
    with _root_logger_left_alone():
        import wordllama  # noqa: PLC0415 - half a second, and only where it is used

    packaged = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=packaged, disable_download=True)
    model.tokenizer.no_padding()
    model.tokenizer.enable_truncation(SPEC.max_tokens)
    return WordLlamaModel(model.tokenizer, model.embedding)


@contextmanager
def _root_logger_left_alone() -> Iterator[None]:
    # Importing wordllama calls logging.basicConfig, which does nothing where a handler exists.
    root, placeholder = logging.getLogger(), logging.NullHandler()
    root.addHandler(placeholder)
    try:
        yield
    finally:
        root.removeHandler(placeholder)
