"""What becomes of a text that has more tokens than a model takes: its parts, and their mean."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from embeddings.calls.tokens import estimate
from embeddings.errors import Rejected, TooLong
from embeddings.spec import ModelSpec
from embeddings.types import SparseVector

# The longest token of the vocabularies in use: no more of a text need be looked at for a part.
_TOKEN_CHARACTERS = 18
# A part ends between words where that costs no more than this share of it.
_LOST = 4


class Policy(StrEnum):
    """What is done with a text over the limit."""

    TRUNCATE = "truncate"
    SPLIT = "split"
    REJECT = "reject"


class Treatment(StrEnum):
    """What was done with it."""

    TRUNCATED = "truncated"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A text in parts that a model takes; `treatment` is None where nothing had to be done."""

    parts: tuple[str, ...]
    treatment: Treatment | None = None


def is_short(text: str, spec: ModelSpec, max_tokens: int | None = None) -> bool:
    """Whether a text fits for certain, without a look at it: no character is over a token."""
    return len(text) <= (max_tokens or spec.max_tokens)


def fit(text: str, spec: ModelSpec, policy: Policy, max_tokens: int | None = None) -> Fitted:
    """Make a text fit a model, by the estimate of its tokens.

    A model that runs here cuts by its own tokens, more exactly: for it a text to truncate is
    only said to be.

    Args:
        max_tokens: instead of the model's, where that turned out to be too many.

    Raises:
        TooLong: it does not fit, and the policy is to reject it.
    """
    limit = max_tokens or spec.max_tokens
    if is_short(text, spec, max_tokens) or estimate(text) <= limit:
        return Fitted((text,))
    if policy is Policy.REJECT:
        raise TooLong(
            f"The text has about {estimate(text)} tokens, but {spec.key} takes {limit}; "
            "shorten it, or let the space truncate or split it."
        )
    if policy is Policy.SPLIT:
        return Fitted(tuple(_parts(text, limit)), Treatment.SPLIT)
    kept = text[: _end(text, limit)] if spec.is_hosted else text
    return Fitted((kept,), Treatment.TRUNCATED)


def _parts(text: str, limit: int) -> Iterator[str]:
    rest = text.strip()
    while rest:
        end = _end(rest, limit)
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()


def _end(text: str, limit: int) -> int:
    """How many characters make the first part: a whole number of words where it can be."""
    window = text[: limit * _TOKEN_CHARACTERS]
    most = bisect_right(range(len(window)), limit, key=lambda end: estimate(window[: end + 1]))
    if most == len(text):
        return most
    # Not where a text is written without spaces.
    boundary = max(window.rfind(space, 0, most + 1) for space in " \n\t")
    return boundary if boundary >= most - most // _LOST and boundary > 0 else max(1, most)


def mean(vectors: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """The weighted mean of unit vectors of shape (dimension,), scaled to length one.

    Raises:
        Rejected: they cancel out, so that it points nowhere.
    """
    total = np.average(np.stack(vectors), axis=0, weights=weights)
    length = np.linalg.norm(total)
    if not length > 0:
        raise Rejected("The vectors of the text's parts cancel out; shorten the text.")
    unit: NDArray[np.float32] = (total / length).astype(np.float32)
    return unit


def sparse_mean(vectors: Sequence[SparseVector], weights: Sequence[float]) -> SparseVector:
    """The weighted mean of sparse vectors: of each token's weight, 0 where it does not occur."""
    sums: defaultdict[int, float] = defaultdict(float)
    names: dict[int, str] = {}
    for vector, weight in zip(vectors, weights, strict=True):
        for index, value in zip(vector.indices, vector.values, strict=True):
            sums[index] += weight * value
        names |= dict(zip(vector.indices, vector.tokens, strict=False))
    indices = tuple(sorted(sums))
    return SparseVector(
        indices,
        tuple(sums[index] / sum(weights) for index in indices),
        tuple(names[index] for index in indices) if names else (),
    )
