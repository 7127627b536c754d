"""What the stub's model makes of a row."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Role
from tests.embeddings.embedded import embed_all

_VOCABULARY = 250_000
# A Chinese, Japanese or Korean character is a token; other words are cut in pieces of four.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w{1,4}")


def count_tokens(text: str) -> int:
    """At least one."""
    return max(1, len(_TOKEN.findall(text)))


def dense(rows: Sequence[str], dimension: int) -> NDArray[np.float32]:
    """Vectors of shape (rows, dimension), longer than one, as some of the vendor's are."""
    inputs = [Input(text=row) for row in rows]
    return 2 * embed_all(FakeEmbedder(dimension), inputs, Role.DOCUMENT).vectors


def sparse(row: str) -> list[dict[str, Any]]:
    """The weights of a row's tokens, the heaviest first."""
    counts = Counter(token.casefold() for token in _TOKEN.findall(row))
    weights = {
        zlib.crc32(token.encode()) % _VOCABULARY: (round(1 - 0.5**count, 3), token)
        for token, count in counts.items()
    }
    return [
        {"index": index, "value": value, "token": token}
        for index, (value, token) in sorted(weights.items(), key=lambda pair: -pair[1][0])
    ]
